"""StoreContract: the promises of a ChatKit store as tests that anyone can run on their own."""

from __future__ import annotations

from chatstore.testing.items import ItemsContract
from chatstore.testing.owners import OwnersContract
from chatstore.testing.pages import PagesContract
from chatstore.testing.values import ValuesContract


class StoreContract(OwnersContract, ValuesContract, ItemsContract, PagesContract):
    """
    The promises S1 to S18, as far as they can be seen through chatkit's Store.

    Mix it into a test case that runs ``async def test_…``, and say how to make your store::

        class MyStoreTest(StoreContract, unittest.IsolatedAsyncioTestCase):
            def make_store(self):
                return MyStore(":memory:")

    With Django, mix it into django.test.TestCase or TransactionTestCase. The contract makes its
    store in ``setUp``, without a running event loop; a store that needs one is made in
    ``asyncSetUp``, or in its first operation.

    If your store's context is no mapping with a ``user_id``, override ``make_context`` and
    ``test_S2_the_owner_is_a_key_or_an_attribute_of_the_context``.

    Four promises need help, since no Store method does what they speak of: override
    ``break_payload``, ``hide_item``, ``redact_item`` and ``feedback_of``, or the tests that call
    them are skipped. A promise that your store doesn't make is a test to set to None::

        test_S4_ids_hold_128_random_bits_and_chatkits_prefixes = None
    """
