"""How property tests draw their examples.

`make test` draws the same ones every time, so that a change is what makes it fail; `make test-long` draws new ones and
prints how to draw a failing one again. Deadlines are off: on busy cores they would test the machine.
"""

import hypothesis

hypothesis.settings.register_profile("same", deadline=None, derandomize=True)
hypothesis.settings.register_profile("new", deadline=None, print_blob=True)
hypothesis.settings.load_profile("same")
