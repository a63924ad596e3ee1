"""Who a sample is of, by its name: `Person/Person_0001.jpg`, `<finger>_<impression>`, `<person>_<finger>_<...>`."""


def finger_of(sample: str) -> str:
    """The finger of a fingerprint's name (all before the last underscore), or the person of a picture's path."""
    folder, slash, name = sample.rpartition("/")
    return folder if slash else name.rpartition("_")[0] or name


def person_of(sample: str) -> str:
    """The person: of a finger's name what is before its first underscore, the finger itself where it has none."""
    source = finger_of(sample)
    return source if "/" in sample else source.partition("_")[0]
