"""The account of a customer: held by whoever adds to what the customer has, or must know all of it."""

from sqlalchemy import Connection, select

from farthing.billing.subscriptions.models import billing_accounts
from farthing.customers import Customer, CustomerBook
from farthing.kernel.database import insert_unless_there

account = billing_accounts.c


def held_customer(connection: Connection, customers: CustomerBook, organization: str, reference: str) -> Customer:
    """The customer, which neither goes nor changes its currency until the transaction ends.

    It is read again once the account is held: whoever held it before may have taken the customer away. Where
    customers are in another store, whoever is about to says so before asking for the account.
    raises CustomerNotFound, CustomerChanging
    """
    customer = customers.get(organization, reference)
    hold_account(connection, organization, customer.id)
    return customers.get(organization, customer.id, hold=True)


def hold_account(connection: Connection, organization: str, customer: str) -> None:
    """Hold the customer's account until the end of the transaction."""
    mine = (account.organization == organization) & (account.customer == customer)
    query = select(account.customer).where(mine).with_for_update()
    if connection.execute(query).first() is None:
        insert_unless_there(connection, billing_accounts, {"organization": organization, "customer": customer})
        connection.execute(query).first()
