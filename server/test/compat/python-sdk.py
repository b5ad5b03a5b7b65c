# Runs behind the client of docs/clients/python.md: prints what Twilio's SDK for Python made of the answers, a line of JSON.
import json
import queue
import threading
import time
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl

from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator

ACCOUNTS = "https://accounts.twilio.com/v1"
MESSAGING = "https://messaging.twilio.com/v1"
OPT_OUTS = "https://messaging.twilio.com/v3/OptOuts"
WAIT_SECONDS_MAX = 25
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


def poll(work):
    """The first answer that is something, within a generous while."""
    last = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        answer = work()
        if answer or time.monotonic() > last:
            return answer
        time.sleep(0.05)


class Receiver(BaseHTTPRequestHandler):
    """Keeps what status callbacks bring: the form, and the signature over it."""
    calls = queue.Queue()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        form = dict(parse_qsl(body, keep_blank_values=True))
        self.calls.put([form, self.headers["x-twilio-signature"]])
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


receiver = HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
callback = f"http://127.0.0.1:{receiver.server_port}/status?order=7"

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
set_path = f"{OPT_OUTS}/OO{service.sid[2:]}"
french = {"keywordType": "STOP.FRENCH", "messageType": "CA"}
told["opt_outs"] = [one["opt_out_sid"] == set_path[-34:] for one in ask("GET", OPT_OUTS)[1]["opt_outs"]
                    if one["friendly_name"] == "First"]
told["word"] = ask("POST", set_path + "/Keywords", data={**french, "keyword": "ARRET"})[0]
told["reply"] = ask("POST", set_path + "/Messages", data={**french, "message": "Fini."})[0]
told["set"] = [ask("GET", set_path + part)[1][name] for part, name in [
    ("/Keywords", "config"), ("/Messages", "config"), ("/MessageTypes", "message_types")]]
told["set_deleted"] = [ask("DELETE", set_path + "/Keywords", params={**french, "keyword": "ARRET"}),
                       ask("DELETE", set_path + "/Messages", params=french)]
told["built_in"] = [ask("GET", OPT_OUTS + "/DefaultKeywordsMessages")[1]["HELP"]["keywords"][0]["keyword"],
                    len(ask("GET", OPT_OUTS + "/Configurations/Languages")[1]["languages"]) > 1,
                    len(ask("GET", OPT_OUTS + "/Configurations/MessageTypes")[1]["message_types"]) > 1]
told["taken_out"] = [own.alpha_senders(name.sid).delete(), own.short_codes(code.sid).delete(),
                     own.phone_numbers(number.sid).delete()]
told["left"] = [len(own.phone_numbers.list()), len(own.short_codes.list())]
told["deleted"] = [own.delete(), code_of(lambda: own.fetch())]

# Messages.
text = client.messages.create(to="+12025550123", from_="+15005550100", body="Later")
told["listed"] = [one.body for one in client.messages.list(to="+12025550123", limit=1)]
told["feedback"] = client.messages(text.sid).feedback.create(outcome="confirmed").outcome
told["fetched"] = client.messages(text.sid).fetch().body


# A text to its end: its callbacks are signed over their form, and it is redacted and deleted.
text = client.messages.create(to="+12025550124", from_="+15005550100", body="Hello", status_callback=callback)
signed = []
while not signed or signed[-1]["MessageStatus"] != "delivered":
    form, signature = Receiver.calls.get(timeout=WAIT_SECONDS_MAX)
    right, wrong = [RequestValidator(token) for token in (client.password, "0" * 32)]
    if not right.validate(callback, form, signature) or wrong.validate(callback, form, signature):
        raise SystemExit(f"The signature is wrong over {form}.")
    signed.append(form)
told["signed"] = [signed[-1]["MessageSid"] == text.sid, right.validate(callback, {**form, "To": "+1"}, signature)]
told["redacted"] = poll(lambda: client.messages(text.sid).fetch().status == "delivered") and [
    client.messages(text.sid).update(body="").body, client.messages(text.sid).fetch().body]
told["too_late"] = code_of(lambda: client.messages(text.sid).update(status="canceled"))
told["text_deleted"] = [client.messages(text.sid).delete(), code_of(lambda: client.messages(text.sid).fetch())]

# A number of one segment a second is claimed; the last of its texts is canceled while it waits.
slow = "+12025550142"
told["found"] = poll(lambda: [one.phone_number for one in
                              client.available_phone_numbers("US").local.list(area_code=202)])
held = client.incoming_phone_numbers.create(phone_number=slow, sms_url="https://example.com/sms")
told["claimed"] = [held.phone_number, held.sms_url, code_of(
    lambda: client.incoming_phone_numbers.create(phone_number=slow))]
poll(lambda: code_of(lambda: client.messages.create(to="+12025550125", from_=slow, body="Hello")) == 0)


def cancel_one():
    """None where even the last of three left before it could be canceled."""
    for _ in range(3):
        last = client.messages.create(to="+12025550125", from_=slow, body="Hello")
    code = code_of(lambda: client.messages(last.sid).update(status="canceled"))
    return None if code == 30409 else [code, client.messages(last.sid).fetch().status]


told["canceled"] = poll(cancel_one)
number = client.incoming_phone_numbers(held.sid)
told["number"] = [number.update(sms_method="GET").sms_method, number.fetch().sms_method]
told["number_deleted"] = [number.delete(), code_of(lambda: number.fetch())]
told["short_code"] = [client.short_codes(code.sid).update(friendly_name="Alerts").friendly_name,
                      client.short_codes(code.sid).fetch().friendly_name]

# Keys and subaccounts.
key = client.new_keys.create(friendly_name="deploy")
told["key"] = [client.keys(key.sid).fetch().friendly_name, client.keys(key.sid).update(friendly_name="old").friendly_name,
               [one.sid == key.sid for one in client.keys.list()], client.keys(key.sid).delete()]
branch = client.api.accounts.create(friendly_name="Branch")
told["account"] = [branch.friendly_name, client.api.accounts(branch.sid).fetch().status]
told["account_closed"] = [client.api.accounts(branch.sid).update(status=status).status
                          for status in ["suspended", "closed"]]
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
