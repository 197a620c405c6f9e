"""How long a test waits for what must come.

No promise is measured by it: what is waited for comes as soon as it can, and only a test that waits in vain ever waits
so long. It is generous, for the machine may be slow, and have much else to do.
"""

WAIT_S_MAX = 240.0
