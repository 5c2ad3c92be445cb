"""Telling a person: the user's own command gets what a run came to as JSON on its standard input."""

from __future__ import annotations

import json
import logging
import shlex
import subprocess
from collections.abc import Mapping
from typing import Any

logger = logging.getLogger(__name__)
PATIENCE = 60  #: seconds that the command may take


def alert(command: str, message: Mapping[str, Any]) -> None:
    """Run ``command`` with the message; its failure is logged and changes nothing else."""
    try:
        words = shlex.split(command)
        text = json.dumps(message, ensure_ascii=False, default=str)
        subprocess.run(words, input=text, text=True, encoding="utf-8", timeout=PATIENCE, check=True)
    except (OSError, ValueError, IndexError, subprocess.SubprocessError) as error:
        logger.error("SINANEWS_ALERT_COMMAND failed: %s", error)
