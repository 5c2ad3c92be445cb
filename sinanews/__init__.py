"""sinanews: collects Sina Finance's news into an archive of front-matter posts."""

__version__ = "1.0.0"


def user_agent(contact: str) -> str:
    """How requests name themselves; ``contact`` is an address or URL at which their sender can be reached."""
    return f"sinanews/{__version__} (news archive; {contact or 'no contact given'})"
