"""The tests know no settings of the user's own; those that only tests have (see config.FOR_TESTS) stay."""

import os

for name in [name for name in os.environ if name.startswith("SINANEWS_")]:
    if name.removeprefix("SINANEWS_") not in ("FAULTS", "EXAMPLES", "REAL_CRON", "TEST_POSTGRES"):
        del os.environ[name]
