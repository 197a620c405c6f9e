"""GitLab's requests with a secret token, which is sent as it is."""

from tests.vectors.make.vectors import SECRET, write

write("gitlab-token", "nobody: the token is sent as it is", lambda body, headers: {"X-Gitlab-Token": SECRET})
