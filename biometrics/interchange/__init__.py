"""Interchange beyond one modality: CBEFF's envelope (`birs`, `bir_xml`), and what all records of ISO/IEC 19794 share.

The records themselves are with their modalities: `biometrics.face.interchange` (19794-5) and
`biometrics.finger.interchange` (19794-2 and ANSI 378; pictures, 19794-4).
"""
