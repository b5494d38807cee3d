#!/usr/bin/env python3
"""Customs values reckoned apart from the program, from the rules of the law: Customs Act 15, 18, 30-34, its Decree 17 to
28, its Rule 1-2, 3-3, 4, 4-3, the Notice on valuation 16-26, and the Acts on the internal taxes.

In: one invoice a line on standard input, as JSON in the form of a case. Out: one line of totals each. Only the standard
library; all numbers are fractions. It knows invoices in which every fact is told and says nothing of those that are not.
"""

import datetime
import json
import sys
from fractions import Fraction


def number(told):
    return Fraction(str(told))


class Invoice:
    def __init__(self, told):
        self.told = told
        self.day = datetime.date.fromisoformat(told["declared"])
        self.rates = {"KRW": Fraction(1)}
        for rate in told.get("rates", []):
            self.rates[rate["currency"]] = self.rate(rate)

    def rate(self, rate):
        """Act 18 and Rule 1-2: the mean of the first quotations of the week before, at their own digits."""
        if "quotations" not in rate:
            return number(rate["rate"]) / number(rate.get("per", 1))
        sunday = self.day - datetime.timedelta(days=self.day.isoweekday() % 7)
        assert datetime.date.fromisoformat(rate["quoted_from"]) == sunday - datetime.timedelta(days=6)
        quotations = [str(quotation) for quotation in rate["quotations"]]
        digits = max(len(text.partition(".")[2]) for text in quotations)
        mean = sum(map(Fraction, quotations)) / len(quotations)
        rounded = Fraction((mean * 10**digits * 2 + 1) // 2, 10**digits)
        return rounded / number(rate.get("per", 1))

    def won(self, told):
        """An amount in won; a bare number is in the currency of the invoice."""
        if told is None:
            return Fraction(0)
        text = str(told)
        currency, _, amount = text.rpartition(" ")
        return number(amount) * self.rates[currency or self.told["currency"]]

    def all(self, *path):
        """The list at the end of the path, or an empty one."""
        found = self.told
        for key in path:
            found = found.get(key) or {}
        return found or []


def line_price(invoice, goods):
    if "price" in goods:
        return invoice.won(goods["price"])
    return invoice.won(goods["unit_price"]) * number(goods["quantity"])


def paid_beside(invoice, prices):
    """What is paid or saved beside the invoice price (Act 30(2), Decree 20-2, Notice 16)."""
    total = Fraction(0)
    for payment in invoice.all("payments", "indirect"):
        always = payment["kind"] in ("set_off", "earlier_credit", "sellers_debt", "third_party", "charge")
        never = payment["kind"] in ("buyers_activity", "unrelated", "maintenance")
        if always or (not never and payment["condition_of_sale"]):
            total += invoice.won(payment["amount"])
    for discount in invoice.all("payments", "discounts"):
        if discount["earned"]:
            if "percent" in discount:
                total -= sum(prices) * number(discount["percent"]) / 100
            else:
                total -= invoice.won(discount["amount"])
    for change in invoice.all("payments", "adjustments"):
        if change["direction"] == "increase":
            total += invoice.won(change["amount"])
        elif change["agreed"] < invoice.told["arrived"] or all((change.get("clause") or {"none": False}).values()):
            total -= invoice.won(change["amount"])
    for condition in invoice.all("sale", "conditions"):
        total += invoice.won(condition.get("value"))
    for deduction in invoice.all("deductions"):
        counts = deduction["separable"]
        if deduction["kind"] == "deferred_interest":
            fair = number(deduction["interest_percent"]) <= number(deduction["usual_interest_percent"])
            counts = counts and deduction["written"] and deduction["sold_at_declared_price"] and fair
        if counts:
            total -= invoice.won(deduction["amount"])
    return total


def share(told):
    """Part of a whole, or all of it."""
    if not told or told["by"] in ("this_import", "whole"):
        return Fraction(1)
    return number(told["part"]) / number(told["whole"])


def assist(invoice, told):
    """Decree 18 and 18-2, Rule 4(3): what was spent, less what was worn or paid back, for the share of the imports."""
    if told["kind"] == "design" and told["performed_in"] == "KR" and not told.get("inside_a_tangible_assist"):
        return Fraction(0)
    left = Fraction(1)
    if "life_units" in told:
        left = 1 - number(told["used_units"]) / number(told["life_units"])
    value = invoice.won(told["cost"]) * left + invoice.won(told.get("elements")) + invoice.won(told.get("transport"))
    return max(value - invoice.won(told.get("charged")), Fraction(0)) * share(told["allocation"])


def royalty(invoice, told):
    """Decree 19, Notice 21-22: related to the goods and a condition of their sale, with the tax withheld."""
    if told["right"] == "reproduction" or told.get("relates") in ("none", "medium8523"):
        return Fraction(0)
    if told["condition"] == "none":
        return Fraction(0)
    paid = invoice.won(told["amount"]) if "amount" in told else invoice.won(told["of"]) * number(told["percent"]) / 100
    paid = max(paid - invoice.won(told.get("other_business")), Fraction(0))
    if "withheld_percent" in told:
        paid /= 1 - number(told["withheld_percent"]) / 100
    return (paid + invoice.won(told.get("withheld"))) * share(told.get("share"))


def commission(invoice, told):
    if told["kind"] == "confirming":
        return invoice.won(told["amount"]) if told["for_the_seller"] else Fraction(0)
    if told["kind"] != "buying":
        return invoice.won(told["amount"])
    is_agent = told["for_the_buyers_account"] and not told["owns_the_goods"] and not told["controls_the_price"]
    if not is_agent:
        return invoice.won(told["amount"])
    if "other_services" not in told:
        return Fraction(0)
    return invoice.won(told["other_services"] if told["separable"] else told["amount"])


def added(invoice):
    """Act 30(1)1-5."""
    total = sum((commission(invoice, told) for told in invoice.all("additions", "commissions")), Fraction(0))
    total += sum(invoice.won(c["amount"]) for c in invoice.all("additions", "containers") if c["one_with_the_goods"])
    for packing in invoice.all("additions", "packing"):
        if not packing.get("after_import"):
            total += invoice.won(packing.get("labour")) + invoice.won(packing.get("material"))
    total += sum((assist(invoice, told) for told in invoice.all("additions", "assists")), Fraction(0))
    total += sum((royalty(invoice, told) for told in invoice.all("additions", "royalties")), Fraction(0))
    for told in invoice.all("additions", "proceeds"):
        if "amount" in told:
            total += invoice.won(told["amount"])
        else:
            total += invoice.won(told["of"]) * number(told["percent"]) / 100
    return total


# Act 30(1)6 and Notice 24(4): what counts, and what counts against when it is shown inside the freight.
TO_THE_PORT = {
    "freight", "insurance", "export_side", "container_hire", "storage_in_transit", "ship_preparation",
    "empty_positioning", "demurrage_at_loading",
}
AFTER_THE_PORT = {
    "unloading_at_import", "pilotage_at_import", "storage_after_arrival", "inland_after_arrival", "demurrage_at_import",
}


def carried(invoice):
    """Act 30(1)6, Decree 20, Notice 24-26."""
    transport = invoice.told["transport"]
    total = Fraction(0)
    replaced = set()
    usual = transport.get("usual")
    if usual and usual["ground"] != "market_level" and transport["incoterm"] in ("EXW", "FCA", "FAS", "FOB"):
        in_force = usual["ground"] != "war_or_disaster" or invoice.day >= datetime.date(2026, 3, 1)
        if in_force and (usual["ground"] == "free" or usual["differs_markedly"]):
            total += invoice.won(usual["freight"])
            replaced.add("freight")
            if usual["ground"] == "war_or_disaster" and transport.get("insured") is not False:
                total += invoice.won(usual["insurance"])
                replaced.add("insurance")
    for cost in transport.get("costs") or []:
        kind, inside = cost["kind"], cost.get("inside_freight", False)
        if kind in replaced or (kind == "insurance" and transport.get("insured") is False):
            continue
        if kind in TO_THE_PORT and (not inside or kind in ("freight", "insurance", "demurrage_at_loading")):
            total += invoice.won(cost["amount"])
        elif kind in AFTER_THE_PORT and inside and "freight" not in replaced:
            total -= invoice.won(cost["amount"])
        elif kind == "despatch_at_loading" and cost["proved"]:
            total -= invoice.won(cost["amount"])
    if "laytime" in transport:
        told = transport["laytime"]
        over = max(number(told["loading_days"]) - number(told["allowed_days"]) / 2, Fraction(0))
        total += over * invoice.won(told["demurrage_per_day"])
    return total


def transaction_values(invoice):
    """Method 1 for each kind of goods: transport by weight where all weights are told, all else by price."""
    goods = invoice.told["goods"]
    prices = [line_price(invoice, line) for line in goods]
    by_price = paid_beside(invoice, prices) + added(invoice)
    transport = carried(invoice)
    weights = [number(line.get("weight", 0)) for line in goods]
    if not all(weights):
        weights = prices
    values = []
    for price, weight in zip(prices, weights):
        values.append(price + by_price * price / sum(prices) + transport * weight / sum(weights))
    return values


def by_comparison(invoice, goods, comparables):
    """Act 31-32, Decree 25: the nearest sale of the window, the lowest of those that are alike; none where none is fit."""
    ours = datetime.date.fromisoformat(invoice.told["shipped"])
    window = 30 if invoice.told.get("seasonal") else 60
    fit = []
    for told in comparables:
        apart = abs((datetime.date.fromisoformat(told["shipped"]) - ours).days)
        if not (told["accepted"] and told["same_country"] and apart <= window):
            continue
        value = invoice.won(told["unit_value"])
        for difference in told["differences"]:
            value += invoice.won(difference.get("add")) - invoice.won(difference.get("subtract"))
        fit.append((0 if told["same_producer"] else 1, len(told["differences"]), value))
    return min(fit)[2] * number(goods["quantity"]) if fit else None


def deductive(invoice, goods):
    """Act 33, Decree 27: the price at which most is sold, less profit, cost in Korea and duty."""
    told = goods["deductive"]
    last = invoice.day + datetime.timedelta(days=90)
    sold = {}
    for sale in told["sales"]:
        if sale["first"] and not sale["related"] and datetime.date.fromisoformat(sale["date"]) <= last:
            price = invoice.won(sale["unit_price"])
            sold[price] = sold.get(price, 0) + number(sale["quantity"])
    if not sold:
        return None
    most = max(sold.values())
    price = min(price for price, quantity in sold.items() if quantity == most)
    own, industry = number(told["own_percent"]), number(told["industry_percent"])
    percent = own if own * 100 <= industry * 120 else industry
    balance = price * (100 - percent) / 100 - invoice.won(told["inland_cost"])
    return balance / (1 + number(goods["duty_percent"]) / 100) * number(goods["quantity"])


def computed(invoice, goods):
    """Act 34."""
    parts = ("materials", "processing", "packing", "assists", "korean_design", "profit", "transport")
    return sum(invoice.won(goods["computed"].get(part)) for part in parts) * number(goods["quantity"])


def value_of(invoice, goods):
    """Methods 2 to 5 in their order, 5 before 4 where the importer has asked for it."""
    if (value := by_comparison(invoice, goods, goods.get("identical") or [])) is not None:
        return 2, value
    if (value := by_comparison(invoice, goods, goods.get("similar") or [])) is not None:
        return 3, value
    fourth = (4, lambda: deductive(invoice, goods) if "deductive" in goods else None)
    fifth = (5, lambda: computed(invoice, goods) if "computed" in goods else None)
    order = (fifth, fourth) if invoice.told.get("computed_first") else (fourth, fifth)
    for method, reckon in order:
        if (value := reckon()) is not None:
            return method, value
    raise ValueError("no method has a value")


def below(tax, unit):
    """State Funds Act 47: what is below the unit is not counted."""
    return tax // unit * unit


LIQUOR_PERCENT = {"wine": (30, 10), "distilled": (72, 30), "yakju": (30, 0)}
EXCISE_PERCENT = {"gambling_machines": 20, "hunting_guns": 20, "cars": 5}
EXCISE_BASE_PRICE = {"jewellery": 5_000_000, "watches": 2_000_000, "bags": 2_000_000}


def taxes(invoice, goods, value):
    """Duty, individual consumption tax, liquor tax, education tax and value-added tax, in this order."""
    value = below(value, 1)
    duty = value * number(goods.get("duty_percent", 0)) / 100
    if "duty_per_unit" in goods:
        duty = max(duty, invoice.won(goods["duty_per_unit"]) * number(goods["quantity"]))
    duty = below(duty, 10) + below(value * number(goods.get("additional_duty_percent", 0)) / 100, 10)
    excise = liquor = education = Fraction(0)
    if "excise" in goods:
        kind = goods["excise"]["class"]
        if kind in EXCISE_PERCENT:
            rate = number(goods["excise"].get("rate", EXCISE_PERCENT[kind]))
            excise = below((value + duty) * rate / 100, 10)
        else:
            above = value + duty - EXCISE_BASE_PRICE[kind] * number(goods["excise"].get("quantity", goods.get("quantity")))
            excise = below(max(above, Fraction(0)) * 20 / 100, 10)
        education += below(excise * 30 / 100, 10)
    if "liquor" in goods:
        kind = goods["liquor"]["class"]
        if kind == "beer":
            liquor, for_education = below(number(goods["liquor"]["litres"]) * 885_700 / 1000, 10), 30
        else:
            percent, for_education = LIQUOR_PERCENT[kind]
            liquor = below((value + duty) * percent / 100, 10)
        education += below(liquor * for_education / 100, 10)
    vat = Fraction(0)
    if not goods.get("vat_exempt"):
        vat = below((value + duty + excise + liquor + education) / 10, 10)
    return {"customs_value": value, "duty": duty, "excise": excise, "liquor": liquor, "education": education, "vat": vat}


def totals(told):
    invoice = Invoice(told)
    goods = told["goods"]
    if told["sale"]["kind"] == "sale":
        values = [(1, value) for value in transaction_values(invoice)]
    else:
        values = [value_of(invoice, line) for line in goods]
    each = [taxes(invoice, line, value) for line, (_, value) in zip(goods, values)]
    summed = {key: int(sum(one[key] for one in each)) for key in each[0]}
    return summed | {"methods": [method for method, _ in values]}


def main():
    for line in sys.stdin:
        if line.strip():
            print(json.dumps(totals(json.loads(line))))


if __name__ == "__main__":
    main()
