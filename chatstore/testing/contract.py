"""StoreContract: the promises of a ChatKit store as tests, to run on any store."""

from __future__ import annotations

from chatstore.testing.items import ItemsContract
from chatstore.testing.order import OrderContract
from chatstore.testing.owners import OwnersContract
from chatstore.testing.pages import PagesContract
from chatstore.testing.threads import ThreadsContract
from chatstore.testing.values import ValuesContract


class StoreContract(
    OwnersContract, ValuesContract, ThreadsContract, ItemsContract, OrderContract, PagesContract
):
    """
    Tests of the promises S1 to S18, as far as chatkit's Store interface shows them.

    Inherit from it and from a test case that runs ``async def test_…``, and implement make_store::

        class MyStoreTest(StoreContract, unittest.IsolatedAsyncioTestCase):
            def make_store(self):
                return MyStore(":memory:")

    With Django, use django.test.TestCase or TransactionTestCase. ``make_store`` is called in
    ``setUp``, without a running event loop; a store that needs one can connect in ``asyncSetUp``
    or in its first operation.

    If your store's context is not a mapping with a ``user_id``, override ``make_context`` and
    ``test_S2_the_owner_is_a_key_or_an_attribute_of_the_context``.

    Some promises are about what no Store method does: override ``break_payload``, ``hide_item``,
    ``redact_item`` and ``feedback_of``, or the tests that call them are skipped. Set a test to None
    if your store does not make its promise::

        test_S4_ids_hold_128_random_bits_and_chatkits_prefixes = None
    """
