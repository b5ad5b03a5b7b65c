import fc from "fast-check";
import {
  getCountries,
  getCountryCallingCode,
  getExampleNumber,
  parsePhoneNumberFromString,
} from "libphonenumber-js/max";
import examples from "libphonenumber-js/mobile/examples";
import { expect, test } from "vitest";
import {
  countryOf,
  numberType,
  type PhoneNumber,
  parsePhoneNumber,
  parsePhoneNumbers,
} from "./phone-number.ts";

function read(text: string): PhoneNumber {
  const number = parsePhoneNumber(text);
  if (number === undefined) throw new Error(`${text} was not read`);
  return number;
}

const accepted: [string, string][] = [
  ["+12025550123", "+12025550123"],
  ["+1 (202) 555-0123", "+12025550123"],
  ["+1.202.555.0123", "+12025550123"],
  [" 12025550123", "+12025550123"], // a plus that a form decoded as a space
  ["12025550123", "+12025550123"],
  ["+447700900123", "+447700900123"], // Ofcom's numbers for drama: possible, in use by nobody
  ["+15005550006", "+15005550006"], // Twilio's magic numbers
  ["+15005551001", "+15005551001"],
  ["+5215512345678", "+525512345678"],
];
test.each(accepted)("%j is read as %s", (text, number) => {
  expect(parsePhoneNumber(text)).toBe(number);
});

const refused = [
  "",
  "+",
  "hello",
  "2025550123", // which country?
  "+1202555012",
  "+120255501234",
  "+999123456789",
  "+12025550123 ext 5",
  "tel:+12025550123",
  "call +12025550123",
  "++12025550123",
  "+1202555\u0000123",
  "12345",
  `+1${"2".repeat(5000)}`,
  "447700900123", // without its plus a number must be in use
];
test.each(refused)("%j is no phone number", (text) => {
  expect(parsePhoneNumber(text)).toBeUndefined();
});

const facts: [string, string, string | undefined][] = [
  ["+12025550123", "fixed_or_mobile", "US"],
  ["+18885550100", "toll_free", "US"],
  ["+4915112345678", "mobile", "DE"],
  ["+493012345678", "landline", "DE"],
  ["+14165550123", "fixed_or_mobile", "CA"],
  ["+447700900123", "unknown", "GB"],
  ["+15005550006", "personal", "US"],
  ["+883510012345678", "voip", undefined],
];
test.each(facts)("%s is %s, of %s", (text, type, country) => {
  const number = read(text);
  expect({ type: numberType(number), country: countryOf(number) }).toEqual({ type, country });
});

test("a thousand numbers are read in order and do not hold the event loop", async () => {
  const texts = Array.from(
    { length: 1000 },
    (_, index) => `+1202555${String(index).padStart(4, "0")}`,
  );
  let turns = 0;
  const count = () => {
    turns += 1;
    immediate = setImmediate(count);
  };
  let immediate = setImmediate(count);
  const numbers = await parsePhoneNumbers([...texts, "no number"]);
  clearImmediate(immediate);
  expect(numbers).toEqual([...texts, undefined]);
  expect(turns).toBeGreaterThanOrEqual(9);
});

test("no rule of North America's numbering plan looks at the last three digits", () => {
  const areas = [
    "201",
    "242",
    "246",
    "264",
    "416",
    "500",
    "523",
    "524",
    "787",
    "800",
    "809",
    "900",
  ];
  const digits = (length: number) => fc.stringMatching(new RegExp(`^\\d{${length}}$`));
  const block = fc.oneof(
    digits(7),
    fc.tuple(fc.constantFrom(...areas), digits(4)).map(([area, local]) => area + local),
    // Where the rules go deepest.
    digits(2).map((local) => `24652${local}`),
  );
  const meaning = (national: string) => {
    const parsed = parsePhoneNumberFromString(`+1${national}`);
    const { country } = parsed ?? {};
    return { country, type: parsed?.getType(), isPossible: parsed?.isPossible() };
  };
  void fc.assert(
    fc.property(block, digits(3), digits(3), (prefix, one, other) => {
      expect(meaning(prefix + one)).toEqual(meaning(prefix + other));
      // Written with a space, a number is read by itself.
      const number = parsePhoneNumber(`+1 ${prefix}${one}`);
      expect(parsePhoneNumber(`+1${prefix}${one}`)).toBe(number);
    }),
    { numRuns: 2_000 },
  );
});

test("no rule of any numbering plan looks at the last three digits", () => {
  const digits = (length: number) => fc.stringMatching(new RegExp(`^\\d{${length}}$`));
  const national = fc.constantFrom(...getCountries()).chain((country) => {
    const example = getExampleNumber(country, examples)?.nationalNumber ?? "5551234567";
    return fc.tuple(
      fc.constant(getCountryCallingCode(country)),
      fc.oneof(
        fc
          .nat({ max: example.length })
          .chain((kept) =>
            digits(example.length - kept).map((rest) => example.slice(0, kept) + rest),
          ),
        fc.integer({ min: 7, max: 13 }).chain(digits),
      ),
    );
  });
  void fc.assert(
    fc.property(national, digits(3), ([code, first], last) => {
      const number = `${code}${first.slice(0, -3)}${last}`;
      // Written with a bracket, a number is read by itself, and not by its block.
      const alone = parsePhoneNumber(`+(${number})`);
      expect(parsePhoneNumber(`+${number}`)).toBe(alone);
      if (alone === undefined) return;
      const parsed = parsePhoneNumberFromString(alone);
      expect(countryOf(alone)).toBe(parsed?.country ?? parsed?.getPossibleCountries()[0]);
    }),
    { numRuns: 5_000 },
  );
});
