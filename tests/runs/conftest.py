"""An sshd for the tests of journals on hosts."""

from tests.engine.conftest import sshd as sshd
