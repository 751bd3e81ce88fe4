"""The sample's forty customers."""

from dataclasses import dataclass
from typing import Final

from farthing.demo.company import Json, offer_key


@dataclass(frozen=True, slots=True)
class SampleCustomer:
    """Who is billed.

    size   how much they use: about this many events a month
    seats  of the plan that has seats
    """

    key: str
    name: str
    country: str
    timezone: str
    currency: str
    plan: str
    size: int
    seats: int = 0

    @property
    def body(self) -> Json:
        """The customer as it is sent."""
        return {
            "key": self.key, "name": self.name, "email": f"accounts@{self.key}.example", "currency": self.currency,
            "timezone": self.timezone, "address": {"country": self.country},
        }

    @property
    def subscription_key(self) -> str:
        return f"{self.key}-{self.plan}"

    def subscription(self, starts_at: str) -> Json:
        """Their subscription as it is sent; calendar months from `starts_at` on."""
        return {
            "key": self.subscription_key, "customer": self.key, "plan": offer_key(self.plan, self.currency),
            "starts_at": starts_at, "anchor": "calendar",
            "quantities": {"seats": str(self.seats)} if self.seats else {},
        }


CUSTOMERS: Final = (
    SampleCustomer("acme", "Acme", "US", "America/New_York", "USD", "starter", 160),
    SampleCustomer("bluefin", "Bluefin Maps", "US", "America/Los_Angeles", "USD", "starter", 90),
    SampleCustomer("cobalt", "Cobalt Weather", "US", "America/Chicago", "USD", "starter", 40),
    SampleCustomer("dunlin", "Dunlin Analytics", "IE", "Europe/Dublin", "EUR", "starter", 130),
    SampleCustomer("eisvogel", "Eisvogel Verlag", "DE", "Europe/Berlin", "EUR", "starter", 75),
    SampleCustomer("fjord", "Fjord Reiser", "FI", "Europe/Helsinki", "EUR", "starter", 20),
    SampleCustomer("garza", "Garza Blanca", "ES", "Europe/Madrid", "EUR", "starter", 110),
    SampleCustomer("hoshi", "Hoshi Games", "JP", "Asia/Tokyo", "JPY", "starter", 150),
    SampleCustomer("ikki", "Ikki Denshi", "JP", "Asia/Tokyo", "JPY", "starter", 60),
    SampleCustomer("jaldi", "Jaldi Delivery", "IN", "Asia/Kolkata", "INR", "starter", 170),
    SampleCustomer("kamala", "Kamala Textiles", "IN", "Asia/Kolkata", "INR", "starter", 35),
    SampleCustomer("lhotse", "Lhotse Trekking", "NP", "Asia/Kathmandu", "NPR", "starter", 100),
    SampleCustomer("mallard", "Mallard Search", "US", "America/Denver", "USD", "growth", 220),
    SampleCustomer("nimbus", "Nimbus Radar", "US", "America/New_York", "USD", "growth", 180),
    SampleCustomer("osprey", "Osprey Freight", "CA", "America/St_Johns", "USD", "growth", 30),
    SampleCustomer("puffin", "Puffin & Daughters", "GB", "Europe/London", "GBP", "growth", 200),
    SampleCustomer("quill", "Quill Ledgers", "GB", "Europe/London", "GBP", "growth", 25),
    SampleCustomer("rosella", "Rosella Energy", "AU", "Australia/Adelaide", "AUD", "growth", 190),
    SampleCustomer("takahe", "Takahē Tours", "NZ", "Pacific/Auckland", "AUD", "growth", 140),
    SampleCustomer("ural", "Ural Alerts", "US", "America/Anchorage", "USD", "messaging", 120),
    SampleCustomer("verdin", "Verdin Clinics", "US", "America/Phoenix", "USD", "messaging", 80),
    SampleCustomer("waldkauz", "Waldkauz Post", "AT", "Europe/Vienna", "EUR", "messaging", 150),
    SampleCustomer("xenops", "Xenops Events", "PT", "Europe/Lisbon", "EUR", "messaging", 70),
    SampleCustomer("yasmin", "Yasmin Couriers", "KW", "Asia/Kuwait", "KWD", "messaging", 110),
    SampleCustomer("zubara", "Zubara Schools", "KW", "Asia/Kuwait", "KWD", "messaging", 45),
    SampleCustomer("avocet", "Avocet Alarm", "FR", "Europe/Paris", "EUR", "messaging", 95),
    SampleCustomer("bittern", "Bittern Tickets", "US", "America/Chicago", "USD", "payments", 210),
    SampleCustomer("curlew", "Curlew Coffee", "US", "Pacific/Honolulu", "USD", "payments", 90),
    SampleCustomer("dodo", "Dodo Books", "NL", "Europe/Amsterdam", "EUR", "payments", 160),
    SampleCustomer("egret", "Egret Hostels", "GR", "Europe/Athens", "EUR", "payments", 130),
    SampleCustomer("fukuro", "Fukurō Tea", "JP", "Asia/Tokyo", "JPY", "payments", 120),
    SampleCustomer("ghazal", "Ghazal Perfumes", "KW", "Asia/Kuwait", "KWD", "payments", 85),
    SampleCustomer("hamerkop", "Hamerkop Crafts", "IT", "Europe/Rome", "EUR", "payments", 5),
    SampleCustomer("ibis", "Ibis Genomics", "US", "America/Los_Angeles", "USD", "cloud", 240, 25),
    SampleCustomer("jacana", "Jacana Robotics", "BR", "America/Sao_Paulo", "USD", "cloud", 130, 8),
    SampleCustomer("kranich", "Kranich Labor", "DE", "Europe/Berlin", "EUR", "cloud", 180, 14),
    SampleCustomer("lapwing", "Lapwing Studio", "PL", "Europe/Warsaw", "EUR", "cloud", 100, 3),
    SampleCustomer("murmel", "Murmel Uhren", "CH", "Europe/Zurich", "CHF", "cloud", 110, 6),
    SampleCustomer("nachtigall", "Nachtigall Audio", "CH", "Europe/Zurich", "CHF", "cloud", 60, 2),
    SampleCustomer("oriole", "Oriole Anime", "JP", "Asia/Tokyo", "JPY", "cloud", 150, 11),
)
