# Runs behind the client of docs/clients/python.md: prints what Twilio's SDK for Python made of the answers, a line of JSON.
import json
from datetime import datetime, timezone

from twilio.base.exceptions import TwilioRestException

ACCOUNTS = "https://accounts.twilio.com/v1"
MESSAGING = "https://messaging.twilio.com/v1"
told = {}


def ask(method, path, **options):
    """What this SDK has no class for goes by its own request: the same client, host and credentials."""
    response = client.request(method, path, **options)
    return [response.status_code, json.loads(response.text) if response.text else None]


def code_of(work):
    try:
        work()
        return 0
    except TwilioRestException as error:
        return error.code


# Messaging services, with a list of three pages.
services = client.messaging.v1.services
for name in ["One", "Two", "Three"]:
    services.create(friendly_name=name)
told["services"] = sorted(one.friendly_name for one in services.list(page_size=1))
service = services.list(limit=1)[0]
number = client.incoming_phone_numbers.list(phone_number="+15005550100")[0]
services(service.sid).phone_numbers.create(phone_number_sid=number.sid)
told["senders"] = [one.phone_number for one in services(service.sid).phone_numbers.list()]
text = client.messages.create(to="+12025550123", messaging_service_sid=service.sid, body="Hello")
told["text"] = [text.status, text.messaging_service_sid == service.sid]
services(service.sid).update(friendly_name="First")
told["renamed"] = services(service.sid).fetch().friendly_name
own = services(service.sid)
code = client.short_codes.list(limit=1)[0]
own.short_codes.create(short_code_sid=code.sid)
told["codes"] = [one.short_code == code.short_code for one in own.short_codes.list()]
name = own.alpha_senders.create(alpha_sender="Longwave")
told["names"] = [one.alpha_sender for one in own.alpha_senders.list()]
paris = {"AlphaSender": "Paris", "IsoCountryCode": "FR"}
status, made = ask("POST", f"{MESSAGING}/Services/{service.sid}/DestinationAlphaSenders", data=paris)
told["abroad"] = [status, made["alpha_sender"], made["iso_country_code"]]
told["taken_out"] = [own.alpha_senders(name.sid).delete(), own.short_codes(code.sid).delete(),
                     own.phone_numbers(number.sid).delete()]
told["left"] = [len(own.phone_numbers.list()), len(own.short_codes.list())]
told["deleted"] = [own.delete(), code_of(lambda: own.fetch())]

# Messages and keys.
text = client.messages.create(to="+12025550123", from_="+15005550100", body="Later")
told["listed"] = [one.body for one in client.messages.list(to="+12025550123", limit=1)]
told["feedback"] = client.messages(text.sid).feedback.create(outcome="confirmed").outcome
key = client.new_keys.create(friendly_name="deploy")
told["key"] = [client.keys(key.sid).fetch().friendly_name, client.keys(key.sid).delete()]
branch = client.api.accounts.create(friendly_name="Branch")
told["account"] = [branch.friendly_name, client.api.accounts(branch.sid).fetch().status]
told["free"] = [one.phone_number for one in client.available_phone_numbers("FR").local.list()]

# Geo permissions and the SafeList.
france = {"to": "+33612345678", "from_": "+15005550100", "body": "Bonjour"}
told["closed"] = code_of(lambda: client.messages.create(**france))
told["geo"] = ask("GET", ACCOUNTS + "/Messaging/GeoPermissions", params={"CountryCode": "US,FR"})
safe = {"PhoneNumber": france["to"]}
told["safe"] = [ask(method, ACCOUNTS + "/SafeList/Numbers", **{where: safe})[0]
                for method, where in [("POST", "data"), ("GET", "params")]]
told["safe_text"] = code_of(lambda: client.messages.create(**france))
told["unsafe"] = ask("DELETE", ACCOUNTS + "/SafeList/Numbers", params=safe)
told["closed_again"] = code_of(lambda: client.messages.create(**france))
open_france = json.dumps({"country_code": "FR", "type": "country", "enabled": True})
told["opened"] = ask("PATCH", ACCOUNTS + "/Messaging/GeoPermissions", data={"Permissions": open_france})[0]
told["open"] = code_of(lambda: client.messages.create(**france))

# Pricing.
countries = client.pricing.v1.messaging.countries
told["countries"] = [one.iso_country for one in countries.list(page_size=1)]
prices = countries("US").fetch().outbound_sms_prices
told["price"] = [one["current_price"] for one in prices[0]["prices"] if one["number_type"] == "local"]

# Usage.
records = client.usage.records
told["records"] = [one.category for one in records.list(page_size=3)]
today = datetime.now(timezone.utc).date()
daily = records.daily.list(category="sms", start_date=today, include_subaccounts=False)
told["daily"] = [[one.category, one.count_unit, one.usage_unit, one.price_unit] for one in daily[-1:]]
told["lists"] = [len(one.list(category="sms", limit=1)) for one in [
    records.all_time, records.monthly, records.yearly, records.today, records.yesterday,
    records.this_month, records.last_month]]
triggers = client.usage.triggers
made = triggers.create(usage_category="sms", trigger_value="+30", callback_url="https://example.com/",
                       trigger_by="count", recurring="monthly", friendly_name="Month")
told["trigger"] = [made.usage_category, made.trigger_by, made.recurring, made.date_fired]
told["trigger_renamed"] = triggers(made.sid).update(friendly_name="Mine").friendly_name
told["triggers"] = [one.sid == made.sid for one in triggers.list(recurring="monthly")]
told["trigger_deleted"] = [triggers(made.sid).delete(), code_of(lambda: triggers(made.sid).fetch())]

print(json.dumps(told))
