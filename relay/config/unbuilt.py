"""What the contract promises and a later version builds: told as such, and not taken for a slip of the pen."""

from relay.config.origin import KeyPath

NOT_BUILT = "not built in this version"

# Keys of each thing in a section of the file.
KEYS = {
    "routes": ("body",),
}
AUTH_SCHEMES = ("query", "login", "oauth2", "hmac")


def is_unbuilt_key(path: KeyPath) -> bool:
    """Tell whether a key such as `routes[0].body` is one that a later version knows."""
    match path:
        case (section, _, key):
            return key in KEYS.get(str(section), ())
        case _:
            return False
