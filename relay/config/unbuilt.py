"""What the contract promises and a later version builds: told as such, and not taken for a slip of the pen."""

NOT_BUILT = "not built in this version"

AUTH_SCHEMES = ("query", "login", "oauth2", "hmac")
