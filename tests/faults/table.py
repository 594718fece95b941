"""What each fault must turn red, and the words by which its message names the cause.

Where one fault shows in several items, each of them says something of its own: a wrong price is both a wrong catalog and a wrong bill.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A fault: the items that turn red and a pattern that the messages must match.

    ``fails`` is False where nothing is wrong but something could not be verified, ``refused`` where the run cannot start,
    ``leaves`` where objects stay behind. ``company`` names another company than the demo one, which lacks what the fault is about;
    what its invoices say is all that is looked at.
    """

    name: str
    items: tuple[str, ...]
    says: str
    fails: bool = True
    refused: bool = False
    leaves: bool = False
    company: str = ""


FAULTS = (
    # Section 1
    Fault("F01", ("1.1",), r"key belongs to Sandbox '.*' \(development\), expected '.*' \(production\)"),
    Fault("F02", ("1.1",), r"key belongs to Sandbox .*header has no effect for API keys"),
    Fault("F06", ("1.2",), r"Read, but no Write for customers and events \(roles seen: all_reader\)"),
    Fault("F07", ("1.2",), r"may not read environments, keys, settings"),
    Fault("F08", ("1.3",), r"sends its key as 'Authorization'.*x-api-key"),
    Fault("F10", (), r"refuses the API key from .* with 401: .* other region", refused=True),
    Fault("F11", ("1.3",), r"composes /v1 twice"),
    Fault("F12", ("1.3",), r"without /v1"),
    Fault("F15", ("1.3",), r"does not verify TLS"),
    Fault(
        "F16",
        ("1.4",),
        r"\.env:2 \(BILLING_FLEXPRICE_KEY\) holds the old key sk_\w\w\*\*\*\w\w from NIMBUS_SANDBOX_KEY",
    ),
    Fault("F17", ("1.4",), r"old key sk_\w\w\*\*\*\w\w from NIMBUS_SANDBOX_KEY still authenticates"),
    Fault("F18", ("1.4",), r"key 'declared revoked' \(sk_\w\w\*\*\*\w\w, .*\) was declared revoked, but is listed"),
    Fault("F19", (), r"redirects to https://login\.gateway\.invalid/", refused=True),
    # Section 2
    Fault("F21", ("2.1", "4.2"), r"plan 'Nimbus Starter' with lookup key 'nimbus-starter' is missing"),
    Fault("F22", ("2.1",), r"amount of price .* differs"),
    Fault("F23", ("2.1",), r"amount of price .* of plan 'nimbus-pro' differs .*expected 0\.15, found 1\.5"),
    Fault("F24", ("2.1",), r"tier boundary 1 of price .*expected 10, found 11"),
    Fault("F26", ("2.1",), r"currency of price .*expected 'usd', found 'eur'"),
    Fault("F27", ("2.1",), r"billing period of price .*expected 'MONTHLY', found 'ANNUAL'"),
    Fault("F29", ("2.1",), r"price 'model\.completion' of plan 'nimbus-pro' is missing"),
    Fault("F30", ("2.1", "7.2"), r"is there 2 times"),
    Fault(
        "F31",
        ("2.1", "2.2"),
        r"'user\.active' is sent, but .* 'User\.Active', which differs only in upper and lower case",
    ),
    Fault("F33", ("2.1", "2.2"), r"its only meter is archived since"),
    Fault("F34", ("2.1",), r"status of the meter .*expected 'archived', found 'published'"),
    Fault("F36", ("2.1",), r"aggregation of the meter .*expected 'SUM', found 'MAX'"),
    Fault("F37", ("2.1", "2.2"), r"reads property 'user_ids', which event 'user\.active' does not have"),
    Fault("F38", ("2.1",), r"SUM_WITH_MULTIPLIER"),
    Fault("F40", ("2.1", "2.2"), r"filters by 'source', which is a field of the event and none of its properties"),
    Fault("F41", ("2.1",), r"the entitlement to feature 'stored_gigabytes' of plan 'nimbus-pro' is missing"),
    Fault("F42", ("2.1",), r"kind of limit of the entitlement to 'stored_gigabytes'"),
    Fault("F44", ("2.1",), r"lookup key of price 'Platform fee'"),
    Fault("F45", ("2.1", "2.2", "4.2", "7.1"), r"plan 'Nimbus Pro' with lookup key 'nimbus-pro' is missing.*clone"),
    Fault("F46", ("2.1",), r"clone"),
    Fault("F47", ("2.1",), r"prefix"),
    Fault("F48", ("2.2",), r"'report\.exported' is sent, but no published meter has it"),
    Fault("F49", ("2.1",), r"'legacy\.batch_job'"),
    # Section 3
    Fault(
        "F51", ("3.2",), r"was accepted but not counted: no meter has the event name .*, but '.*' is there and differs"
    ),
    Fault("F53", ("3.2",), r"no customer has the external id '.*', but 'golive-.*' is there"),
    Fault("F54", ("3.1",), r"external_customer_id"),
    Fault("F55", ("3.2",), r"looks like Flexprice's own id"),
    Fault("F56", ("3.1",), r"event_id"),
    Fault("F57", ("3.2",), r"test events with \d+ event ids were stored under one event id, 'evt_\{\{id\}\}'"),
    Fault("F58", ("7.2",), r"as if .*each event counts once more at another time"),
    Fault("F59", ("3.2",), r"is stored with another time than it was given"),
    Fault("F60", ("3.1",), r"zone"),
    Fault("F62", ("3.1",), r"RFC 3339"),
    Fault("F63", ("3.1",), r"1970"),
    Fault("F64", ("3.2",), r"is stored with another time than it was given"),
    Fault("F66", ("3.2",), r"is the text '.*', which is no number"),
    Fault("F67", ("3.2",), r"it has no property '\w+', but '\w+s' is there"),
    Fault("F68", ("3.2",), r"no number"),
    Fault("F69", ("3.2",), r"negative values count 0"),
    Fault("F71", ("3.2",), r"another quantity than it must have"),
    Fault("F73", ("3.1",), r"1,001 events .*at most 1,000"),
    Fault("F74", ("3.2",), r"is stored, but still 'processing'"),
    Fault("F77", ("3.2",), r"could not be looked up: the Event Debugger answered 500", fails=False),
    Fault("F79", ("3.2",), r"was accepted, but the Event Debugger does not show it"),
    Fault("F80", ("7.2",), r"2 times too much|counts 6 events"),
    Fault("log-lost", ("3.1", "5.3"), r"of the company's log never arrived .* usd not billed"),
    Fault(
        "log-doubled", ("3.1", "5.3"), r"arrived twice, the second time with another timestamp .* usd billed too much"
    ),
    Fault("log-renamed", ("3.1", "5.3"), r"arrived as 'model_completion'"),
    Fault("log-moved", ("3.1",), r"arrived with another time than the company's log has"),
    Fault("log-property", ("3.1", "5.3"), r"arrived without 'tokens'|'tokens' arrived as 'token_count'"),
    Fault("log-customer", ("3.1", "5.3"), r"arrived for 'ACCT_\d+'"),
    Fault("log-foreign", ("3.1", "5.3"), r"are in Flexprice and not in the company's log"),
    # Section 4
    Fault("F81", ("4.1",), r"customer 'acct_\d+' is declared .* and does not exist"),
    Fault("F82", ("4.1",), r"'ACCT_8412' does, which differs only in upper and lower case"),
    Fault("F83", ("4.1",), r"was never declared, has no subscriptions and appeared by itself"),
    Fault("F84", ("4.2",), r"is on plan 'nimbus-starter' instead of 'nimbus-pro'"),
    Fault("F86", ("4.2",), r"has no subscription to plan"),
    Fault("F87", ("4.2",), r"has 2 subscriptions to plan 'nimbus-pro' \(subs_\w+, subs_\w+\)"),
    Fault("F88", ("4.2",), r"was never activated, since"),
    Fault("F89", ("4.2",), r"is paused"),
    Fault("F90", ("2.1", "4.2", "5.3"), r"the subscription has no line for it"),
    Fault("F92", ("4.2",), r"starts only on"),
    Fault("F93", ("4.2",), r"billing cycle .*expected 'anniversary', found 'calendar'"),
    Fault("F95", ("4.2", "5.2"), r"collection method .*expected 'send_invoice', found 'charge_automatically'"),
    # Section 5
    Fault("F97", ("5.1",), r"the grace period is 12 days"),
    Fault("F98", ("5.1",), r"auto-cancel is on, although the plan says it is off"),
    Fault("F99", ("5.1",), r"auto-cancel is off, although the plan says it is on"),
    Fault("F100", ("5.1",), r"never saved here"),
    Fault("F101", ("5.2",), r"does not say whether invoices are collected"),
    Fault("F102", ("4.2", "5.2"), r"3 of 5 active subscriptions do not use 'send_invoice'"),
    Fault("F103", ("5.2",), r"no payment gateway"),
    Fault("F104", ("5.1",), r"stay drafts for 720 hours"),
    Fault("F105", ("5.1",), r"due 90 days after their period ends"),
    Fault("F106", ("5.3",), r"has no line for the event"),
    Fault("F107", ("5.3",), r"the right quantity and the wrong price: .* = .*, but it bills"),
    Fault("F108", ("5.3",), r"one unit t"),
    Fault("F110", ("5.3",), r"does not add up: .* subtotal − .* discount − .* credits \+ .* tax = "),
    # Servers that calculate wrongly
    Fault(
        "W01",
        ("5.3",),
        r"\+ 10000 × 0\.000015 = 2\.15, but it bills 0 usd, as if the unit price is rounded to 4 decimals \(",
    ),
    Fault(
        "W02",
        ("5.3",),
        r"10000 × 0\.000015 = 2\.15, but it bills 2\.1 usd, as if .*the unit price is cut to 5 decimals",
    ),
    Fault("W03", ("5.3",), r"= 3\.77, but it bills 3\.83 usd, as if .*the unit price is rounded to 6 decimals"),
    Fault("W04", ("5.3",), r"but it bills 2\.2 usd, as if .*every tier is priced like the first"),
    Fault(
        "W05",
        ("5.3",),
        r"'user\.active' .* 10 × 2 = 20, but it bills 21 usd, as if .*tiers end one unit too early",
    ),
    Fault("W06", ("5.3",), r"11 × 1\.5 \+ 6 flat = 22\.5, but it bills 22 usd, as if .*tiers end one unit too late"),
    Fault(
        "W07",
        ("5.3",),
        r"'model\.completion' .* but it bills 1\.65 usd, as if .*graduated and volume pricing are swapped",
    ),
    Fault("W08", ("5.3",), r"'user\.active' .* but it bills .* usd, as if .*graduated and volume pricing are swapped"),
    Fault("W09", ("5.3",), r"= 22\.5, but it bills 16\.5 usd, as if .*the tiers' flat fees are forgotten"),
    Fault("W10", ("5.3",), r"= 22\.5, but it bills 82\.5 usd, as if .*the tiers' flat fees are charged per unit"),
    Fault(
        "W11",
        ("5.3",),
        r"2 × 0\.5 \(11 ÷ 10 rounded up\) = 1, but it bills 0\.5 usd, as if .*packages are rounded down",
    ),
    Fault("W12", ("5.3",), r"'image\.rendered' .* = 1, but it bills 0\.5 usd, as if .*packages are rounded"),
    Fault(
        "W14", ("5.3",), r"'storage\.measured' bills .* used, the allowance is wrong, as if .*the allowance is ignored"
    ),
    Fault("W15", ("5.3",), r"the allowance is wrong, as if .*the allowance is given twice"),
    Fault(
        "W18",
        ("5.3",),
        r"0\.3 × 0\.15 = 0\.05, but it bills 0\.04 usd, as if .*exact halves are rounded to the even neighbour",
    ),
    Fault("W19", ("5.3",), r"31\.5 × 0\.15 = 4\.73, but it bills 4\.72 usd, as if .*the rest of the amount is cut off"),
    Fault("W20", ("5.3",), r"= .*, but it bills .* usd, as if .*the amount is rounded up"),
    Fault("W21", ("5.3",), r"= .*, but it bills \d+\.\d{3} usd, as if .*the currency has one decimal more"),
    Fault("W22", ("5.3",), r"= .*, but it bills \d+ usd, as if .*the currency has no decimals"),
    Fault("W23", ("5.3",), r"'image\.rendered' .* × 0\.085 = .*, but it bills .* usd"),
    Fault("W24", ("5.3",), r"'Platform fee' is billed more than once: another line over 49 usd beside the first"),
    Fault("W56", ("7.2",), r"says 11 for 'image\.rendered' where 4 were sent: 7 too much, as if its filter is ignored"),
    Fault(
        "W13",
        ("5.3",),
        r"'video\.rendered' .* ÷ 60 rounded down\) = .*, but it bills .* as if packages are rounded up",
        company="mira",
    ),
    Fault(
        "W16",
        ("5.3",),
        r"'data\.moved' .* = 20\.5, but it bills 17 usd, as if the allowance comes off after the tiers",
        company="mira",
    ),
    Fault(
        "W17",
        ("5.3",),
        r"'editors\.online' shows a usage of 3 where 4 is expected.*as if only the highest day counts",
        company="mira",
    ),
    Fault(
        "W25",
        ("5.3",),
        r"'m_5' .* 'Yearly' .* × 10 ÷ 36[56] days = .*, but it bills 400 usd, as if every period has 30 days",
        company="mira",
    ),
    # Section 6
    Fault("F113", ("6.1",), r"no webhook endpoint is registered"),
    Fault("F114", ("6.1",), r"looks like a staging system"),
    Fault("F115", ("6.1",), r"is disabled since"),
    Fault("F116", ("6.3",), r"is not subscribed to 'subscription\.created'"),
    Fault("F118", ("6.2",), r"accepts a message without a signature"),
    Fault("F119", ("6.2",), r"accepts a message whose body was changed after signing"),
    Fault("F120", ("6.2",), r"accepts a message signed with a wrong secret"),
    Fault("F121", ("6.2",), r"accepts a message signed ten minutes ago"),
    Fault("F122", ("6.2",), r"verifies a parsed and re-encoded body"),
    Fault("F123", ("6.2", "6.4", "7.4"), r"uses the whole secret as the key, prefix and all"),
    Fault(
        "F125", ("6.2", "6.4", "7.4"), r"accepts the secret of sandbox in NIMBUS_SANDBOX_WEBHOOK_SECRET \(fingerprint"
    ),
    Fault("F126", ("6.4",), r"does not answer 2xx to an event type it does not know"),
    Fault("F127", ("6.4",), r"does not answer 2xx to invoice\.update\.payment"),
    Fault("F128", ("6.2", "6.4", "7.4"), r"redirects every message, and the delivery service never follows"),
    Fault("F130", ("6.4",), r"was processed 2 times"),
    Fault("F131", ("6.2", "7.4"), r"was answered with success and not processed"),
    Fault("large", ("6.4",), r"256 KiB"),
    # Section 7
    Fault("F133", ("7.2",), r"says 6 for 'user\.active' where 7 were sent: 1 too little"),
    Fault("F134", ("7.3",), r"the draft invoice never appeared: workflow '.*' was started"),
    Fault("F135", ("7.3",), r"nothing was finalized: the invoice is SKIPPED"),
    Fault("F136", ("7.3",), r"still a DRAFT, although finalizing it was answered with success"),
    Fault("F139", ("7.4",), r"no invoice\.update\.finalized webhook for invoice"),
    Fault("F140", ("7.4",), r"inv_\w+"),
    Fault("F143", ("7.4",), r"was answered with success and not processed"),
    Fault("F145", (), r"", leaves=True),
    # Section 8
    Fault("F149", ("8.1",), r"nobody answers for item 8\.1 .* an owner is needed"),
    Fault("F153", ("8.1",), r"the evidence 'golive/minutes\.pdf' is neither a link nor a file"),
    Fault("F150", ("8.1", "8.2", "8.3", "8.4"), r"is \d+ days old and ran out on"),
)

#: Companies beside the demo one, healthy and with all their deals.
COMPANIES = ("mira",)
#: False alarms, and what is told as a warning only: these must stay green.
GREEN = ("F05", "F52", "F75", "F76", "F111", "slow", "log-delayed")
#: Servers that only calculate wrongly, on the company ``mira``: they share one rehearsal.
WRONG_BILLS = {
    "W26": r"'m_3' .* is not filled up: 5000 committed − .* used = .* usd is missing",
    "W27": r"'m_4' .* = 9\.2, but it bills 4\.6 usd, as if the overage factor is ignored",
    "W28": r"'m_2' .* tax 'vat' is taken on .*, as if it is taken before the discount",
    "W29": r"'m_2' .* tax 'vat' is taken on .*, as if it is taken on usage only",
    "W30": r"'m_2' .* discount is .*, as if it is taken after the tax",
    "W46": r"'data\.moved' bills .* used, .* as if the allowance ends one unit too early",
    "W60": r"'m_3' .* 'Seats' .* 4 × 9 = 36, but it bills 9 usd, as if its quantity is one",
    "W64": r"'m_4' .* = 10, but it bills 20 usd, as if everything costs the overage factor",
    "W67": r"'m_2' .* discount is .*, as if it is taken on usage only",
    "W71": r"'m_2' .* the invoice's tax is 0, as if there is none \(expected 9\.38, found 0\)",
    "W35": r"'m_2' .* 'data.moved' .* = 20\.5, but it bills 5\.25 usd, as if every tier is priced like the last",
    "W36": r"'m_2' .* = 1\.25, but it bills 1\.27 usd, as if parts of packages are charged",
    "W40": r"'m_5' .* 'Yearly' .* = .*, but it bills 1200 usd",
    "W42": r"'m_3' .* 12\.1 × 2 = 24\.2, but it bills 24 usd, as if .*parts of units are cut off",
    "W43": r"'m_3' .* 12\.1 × 2 = 24\.2, but it bills 26 usd, as if parts of units count as whole ones",
    "W47": r"'m_2' .* bills 28 of 28 used, .* as if .*usage above the allowance is billed from its first unit",
    "W48": r"'m_2' .* bills 0 of 28 used, .* as if usage above the allowance is free too",
    "W55": r"'video.rendered' bills a usage of 2, and the usage query counts 6\d .* as if events are counted",
    "W61": r"'m_3' .* 'Seats' bills 1 for 9 usd where 4 for 36 is expected \(4 × 9\)",
    "W62": r"'m_2' .* 'Studio' is billed for another time than it must be",
    "W63": r"'m_3' .* = 4975\.8, but it bills 4939\.8 usd, as if fees count towards the commitment",
    "W65": r"'m_3' .* is not filled up: 5000 committed − 24\.2 used = 4975\.8 usd is missing",
    "W66": r"'m_2' .* discount is 0, as if there is none \(expected 5\.21, found 0\)",
    "W68": r"'m_2' .* discount is 3, as if it is taken on fees only \(expected 5\.21, found 3\)",
    "W72": r"'m_2' .* tax 'vat' on 46\.89 is 9\.37, as if its last fraction is cut off",
    "W73": r"'m_2' .* tax 'vat' on 46\.89 is 7\.82, as if it is inside of the price",
    "W74": r"'m_2' .* the invoice's prepaid credits is 1 \(expected 0, found 1\)",
    "W75": r"'m_2' .* the lines add up to 52\.1, but its subtotal says 52\.11",
    "W76": r"'m_2' .* its total is 56\.27, but its amount_due says 52\.1",
    "W77": r"'m_2' .* the invoice is in another currency \(expected 'usd', found 'eur'\)",
    "W78": r"'m_2' .* is in another currency than its invoice \(expected 'usd', found 'jpy'\)",
    "W79": r"'m_2' .* 'traffic' is billed more than once: another line over 20\.5 usd beside the first",
    "W80": r"'m_2' .* a line that nothing explains: 'Somebody else's seats' over 7",
    "W81": r"'m_2' .* line 'video.rendered' is billed for another time than it must be",
    "W82": r"'m_1' .* 1 × 1\.25 \(60 ÷ 60 rounded down\) = 1\.25, but it bills 75 usd, as if the price of a package is charged",
    "W83": r"'m_5' .* 7\.7 × 0\.4 = 3\.08, but it bills 0\.4 usd, as if the price is charged once",
    "W89": r"'video.rendered' .* = 1\.25, but it bills 125 usd, as if the amount is in the smallest coins",
    "W90": r"'video.rendered' .* = 1\.25, but it bills 0\.01 usd, as if the amount is a hundredth",
    "W91": r"' bills a usage of .*, and the usage query counts .* as if the highest value counts",
    "W92": r"' bills a usage of .*, and the usage query counts .* as if the latest value counts",
    "W93": r"' bills a usage of .*, and the usage query counts .* as if the mean of the values counts",
    "W98": r"'m_5' .* 'Yearly' .* days = .*, but it bills 1200 usd, as if .*a part of the period costs a whole one",
    "W99": r"'m_4' .* \(Overage\)' .* = 9\.2, but it bills 18\.4 usd, as if the overage factor acts twice",
    "W100": r"'m_3' .* = 4975\.8, but it bills 9951\.6 usd, as if what is missing costs the overage factor",
    "W101": r"'m_3' .* = 4975\.8, but it bills 5000 usd, as if the whole commitment is billed on top",
    "W103": r"'m_1' .* line 'video.rendered' is billed for another time than it must be",
    "W110": r"'m_5' .* 'Yearly' .* days = .*, but it bills 100 usd, as if it is charged by the month",
    "W111": r"'m_2' .* the invoice's discount is 10\.42, as if it is given twice \(expected 5\.21, found 10\.42\)",
    "W114": r"'m_1' .* the invoice's tax is 10\.28; nothing attaches tax 'vat' .* \(expected 0, found 10\.28\)",
    "W115": r"'m_2' .* the invoice's tax is 4\.69, as if .*; tax 'vat' is taken at another rate .* \(expected 9\.38, found 4\.69\)",
    "W117": r"'m_1' .* the invoice has no line for 'Studio' \(expected '1 for 30 usd'\)",
    "W118": r"'m_4' .* no line for the event 'traffic \(Overage\)' \(expected '2\.3 for 9\.2 usd'\)",
    "W120": r"'m_1' .* 51\.4 subtotal − 0 discount − 0 credits \+ 0 tax = 51\.4, but its total says 51",
    "W121": r"'m_1' .* line 'video.rendered' is billed for another time than it must be",
    "W136": r"'m_5' .* 'data.moved' bills a usage of 3\.85, .* counts 7\.7 .*, as if it is split into several lines",
    "W137": r"'m_4' .* 5 × 2 = 10, but it bills 19\.2 usd, as if 'traffic \(Overage\)' were a part of it",
    "W138": r"'m_3' .* = 4975\.8, but it bills .* usd, as if it were for \d+ of \d+ days",
    "W139": r"'m_3' .* = 4975\.8, but it bills 9975\.8 usd, as if the commitment is twice as large",
    "W140": r"'m_5' .* no line for the event 'data.moved'(?s:.*) add up to .*, but its subtotal says",
    "W141": r"'m_1' .* 51\.4 due − 0 paid = 51\.4, but its amount_remaining says 50\.4",
    "W144": r"'m_2' .* discount is 5\.22, as if it is taken off each line \(expected 5\.21, found 5\.22\)",
    "W145": r"'m_2' .* 52\.1 subtotal − 5\.21 discount .* \+ 9\.38 tax = 56\.27, but its total says 61\.48",
    "W146": r"'m_2' .* discount is 10, as if a percentage were an amount \(expected 5\.21, found 10\)",
}
