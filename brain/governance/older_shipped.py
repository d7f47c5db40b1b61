"""The policies that this and every older brain came with, by their SHA-256: nobody changed a file that is one of them.

One line is added with each change of `shipped_policy.toml` and its cases; none is ever removed. Serves `in_force`.
"""

from __future__ import annotations

from hashlib import sha256

POLICIES = """
    1e897e707799717796ce3327d5d8a119ba13136bc461ae548ffbfd42690dfbb8
    ac1e4efb9d82ded27d4a48ec8dc42a5f9af83bfc96b9b84f04afe8caa55dfbdc
    1d934ef2c28f47dac03e9531f7d8f5e68815396f397c13458134966a4ed55e56
    fc9b849a0b02bd8faaeed7045ebeeeeda2ddc0eea0a088b0043acc2d5efb9c7c
    61c8c8d7d6bf2101b4c5ead9d080158ec9cc64134abe06790ed5759bb366f6fc
    e3225af50cddf1a646beabb0d84fffa69014b0003780506906c4af1341a4b553
    4676e25866e7b846111f8973c77c22f92be280a0e46d7f947b8521300977daed
    c3be2fe274a2d247d1a09dabfcfea680941784846110a04712dce96f57d30eec
""".split()
# From the first rule on: numbers, switches and addresses above may be a person's own.
RULES = """
    82e34efbd454e307debe5fc32ed248fb0a364ce181d3b9abea8c45800439e15b
    aa22d1d6d47e8273c58c7b67a9faecb10e80c8cdb556269afc2e1c0e7dceb0d3
    ec340cf7a6cbd6fd2a78bead28f979f3dd325aa614d24f32c3638fd2f2e252ef
    5278654fd8717802b9c11dbe4e6d3123a4b427d353a136d13aae7b2a7a48ee78
""".split()
CASES = """
    4c36e2b1026143311ec2709599eead615d4dc2144ae335e518be2fde85066495
    d2abe7cf59db8d21d2ff61112aae7b11bfa21673718120c98e64e6fe3776ffe6
    5d4b6f4b061e42cb06a786b094dd7b9055067d02c0d74b7d68d05f55c016401a
    cf6c19cdfe226aba5de381c8f13ca76de0be5b8a1362392b5b46ef5f713fd1ea
    f8534453ed74374b5deb8697e3f9a53e59e0d6274783b1ab887eceed18a703eb
    19afd943aba110a060af0a9ef1adae545e658134b31d38949fdc7b88724602ac
""".split()
FIRST_RULE = "[[rule]]"


def is_shipped(text: str) -> bool:
    """Whether a policy, or its cases, are those that some brain came with, byte for byte."""
    return _digest(text) in (*POLICIES, *CASES)


def older_rules(text: str) -> bool:
    """Whether the rules and routes are those of an older brain, as it came."""
    _above, rule, below = text.partition(FIRST_RULE)
    return _digest(rule + below) in RULES[:-1]


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
