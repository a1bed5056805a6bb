"""K8N0xx: every problem the inventory stage can report, one code each, in one table."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """The number is stable: operators and CI filters search for it. A comment says when it is given."""

    UNREADABLE = "K8N001"  # path missing, no permission, link loop, not a regular file
    NOT_TEXT = "K8N002"  # binary, or not UTF-8
    TOO_LARGE = "K8N003"  # file larger than files.MAX_BYTES, or its aliases expand without end
    SYNTAX = "K8N004"  # not YAML, JSON or INI
    STRUCTURE = "K8N005"  # valid YAML, JSON or INI, but not an inventory or not a mapping of variables
    DUPLICATE_KEY = "K8N006"  # warning: the same key twice in one mapping, the last one wins
    NOT_RUN = "K8N007"  # script inventory, inventory plugin or TOML: this tool reads files only
    NAME = "K8N008"  # name of a host or group that cannot be one
    RANGE = "K8N009"  # h[01:20] that cannot be expanded
    CYCLE = "K8N010"  # a group that is its own descendant
    UNDECLARED = "K8N011"  # [g:vars] or a child whose group is declared nowhere
    NO_HOSTS = "K8N012"  # the whole inventory names no host
    SAME_NAME = "K8N013"  # warning: a host and a group share one name
    VARIABLE_NAME = "K8N014"  # warning: a variable no template can name
    IGNORED = "K8N015"  # warning: something written that has no effect
    VAULT_PASSWORD = "K8N016"  # a vaulted value and no password for it
    VAULT_DAMAGED = "K8N017"  # a vaulted value that is not what ansible-vault writes
    UNDEFINED = "K8N018"  # a template names a variable that this host does not have
    TEMPLATE = "K8N019"  # a template that cannot be rendered
    CONNECTION = "K8N020"  # connection settings this tool cannot honour
    SSH_ARGUMENT = "K8N021"  # warning: an ssh option that is not honoured; error: one that must be
    KEY_FILE = "K8N022"  # the SSH key that the inventory names is not on this machine
