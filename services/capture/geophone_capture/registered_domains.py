"""Where the registered domain starts in the name of each row [core]."""

from collections.abc import Callable

from geophone_shared.kernels.domains import assign_domain_offsets
from geophone_shared.suffixes import load_suffixes
from geophone_shared.transactions import Transactions


def domain_finder() -> Callable[[Transactions], None]:
    """Something that sets the `domain_offset` of rows, by the public-suffix rules."""
    suffixes = load_suffixes()

    def find_domains(transactions: Transactions) -> None:
        assign_domain_offsets(
            transactions.rows, transactions.names, suffixes.slots, suffixes.labels
        )

    return find_domains
