"""One person, two identities: a register of faces and fingers searched against itself.

How a search goes; every step is deterministic, and none needs a database or a network:

1. `Register.build(folder, engine, blocks)` writes faces and fingers to files, once; `Register.open(folder)` opens them
   again in any process (also after a crash: `register.identity` says whether it is the same).
2. `Rule(len(register), face, finger)` gives the thresholds from the register's size: at most one false finding for each
   1,000 records. `face` and `finger` are the engines' calibrations; `finger` None searches by faces alone.
3. `Local(register, rule, threads=2).run(jobs)` does jobs (`range(register.jobs)`, or those that are still to do) and
   yields `(job, suspects)`: pairs whose faces are alike. Any other `Engine` gives the same suspects of a job.
4. `confirm(register, suspects, rule, fetch)` compares the fingers of the suspects of a job, whose templates
   `fetch(keys)` gives, and returns its `Finding`s. Every pair of records is in exactly one job: store a job's findings
   and its number together, and a search goes on after any job, on any machine.
5. `clusters(findings)` puts the findings of all jobs together to cases, strongest first.
"""

from biometrics.duplicates.clusters import Cluster, clusters
from biometrics.duplicates.confirm import Fetch, confirm
from biometrics.duplicates.findings import Finding, FingerEvidence, Kind
from biometrics.duplicates.register import POSITIONS, Entries, Fingers, Register, RegisterError
from biometrics.duplicates.rule import Evidence, Rule
from biometrics.duplicates.search import Engine, Local, Suspects

__all__ = [
    "POSITIONS",
    "Cluster",
    "Engine",
    "Entries",
    "Evidence",
    "Fetch",
    "Finding",
    "FingerEvidence",
    "Fingers",
    "Kind",
    "Local",
    "Register",
    "RegisterError",
    "Rule",
    "Suspects",
    "clusters",
    "confirm",
]
