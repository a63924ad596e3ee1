"""`renzheng doctor`: what is wrong with an installation, what that means, and how it is put right.

It changes nothing: no key, no database and no folder is made. The embedded server is started where its data are, and
left as it was found.
"""

from api.operations.doctor.examining import examine
from api.operations.doctor.findings import Finding, Outcome, Severity

__all__ = ["Finding", "Outcome", "Severity", "examine"]
