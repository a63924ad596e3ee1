"""The scripted comparer with real face templates: what is stored is turned, and what is compared are vectors."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from api.matching.captures import Captures, Modality, Reference
from api.matching.comparison import Enrolment, PersonResult, Template
from biometrics.face import FaceTemplate
from biometrics.face.template import similarity
from tests.api.scripted import ScriptedComparer, template_of

SAME = 0.7


@dataclass
class VectorComparer(ScriptedComparer):
    """`scores` holds the comparison scores of faces, in the order in which they were made."""

    scores: list[float] = field(default_factory=list)

    def opened(self, reference: Reference) -> Template:
        """A face from its stored form, a finger from its word."""
        if reference.modality == "finger":
            return super().opened(reference)
        assert reference.template is not None
        return FaceTemplate.from_bytes(reference.template)

    def enrol(self, captures: Captures) -> Enrolment:
        """As the scripted one, faces in their stored form."""
        made = super().enrol(captures)
        templates = tuple(
            one if one.modality == "finger" else replace(one, template=self._stored(one.template))
            for one in made.templates
        )
        return replace(made, templates=templates)

    def compare(
        self, captures: Captures, references: tuple[Reference, ...], searched: Collection[Modality] = ()
    ) -> PersonResult:
        """As the scripted one, after it was found out by a comparison of vectors whose face is stored."""
        read = tuple(self._word(captures, one) if one.modality == "face" else one for one in references)
        return super().compare(captures, read, searched)

    def _stored(self, word: bytes) -> bytes:
        face = template_of("face", word.decode())
        assert isinstance(face, FaceTemplate)
        return face.to_bytes()

    def _word(self, captures: Captures, reference: Reference) -> Reference:
        if reference.template is None or captures.face is None:
            return reference
        stored = FaceTemplate.from_bytes(reference.template)
        probe = template_of("face", captures.face.decode())
        assert isinstance(probe, FaceTemplate)
        if reference.transform is not None:
            probe = reference.transform.turn(probe)
        assert probe.transform == stored.transform
        self.scores.append(similarity(probe, stored))
        word = captures.face if self.scores[-1] > SAME else b"person:somebody else"
        return replace(reference, template=word.replace(b"maybe:", b"person:"))
