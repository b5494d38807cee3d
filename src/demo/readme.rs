//! The README of a world: what each file holds, and what was planted, with size and noise, from the very constants.

use super::{DAYS, FIRST_DAY, Format, Made, World, date, innocent, ledger, parties, trade};

pub fn text(world: &World, format: Format, made: &Made) -> String {
    let share = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
    let flag = if format == Format::Csv { "" } else { " --format parquet" };
    let text = format!(
        "# An invented world\n\n\
         Made by `haetae demo generate --seed {seed} --scale {scale}{flag}`; the same command gives the same bytes. Everything is \
         invented: names, numbers, prices, rates and all that happens. No figure learnt from it says anything of the field.\n\n\
         From {first} to {last}: {declarations} declarations, of which {frauds} ({fraud_share:.2}%) are fraud; {companies} \
         companies, {people} people, {sellers} sellers, {brokers} brokers; {phoenixes} phoenix companies, {rings} rings; \
         {months} months of tax ledgers, of which {late} ({late_share:.2}%) are late.\n\n\
         ## Files\n\n\
         | file | a row is | of note |\n|---|---|---|\n\
         | `declarations.csv` | an import declaration of one kind of goods, in order of time | `fraud` is known for all, as if all had been inspected, and `additional_duty_krw` is what was assessed on it; `planted_probability` is what the label was drawn with: the best possible score, never an input; `planted_additional_krw` is what a finding brings, whether there is one or not: the two multiplied are the best possible order by revenue |\n\
         | `truth.csv` | the planted effects of a declaration | `evaded_krw` is the duty kept back |\n\
         | `companies.csv` | an importer | columns named `planted_` are answers, never inputs |\n\
         | `roles.csv` | an officer or owner of a company: a person, or another company (`holder`) | shares are of 1 |\n\
         | `people.csv`, `families.csv` | a person, two people of one family | |\n\
         | `sellers.csv`, `brokers.csv` | a seller abroad, a customs broker | `related_to` lists companies that belong together with the seller |\n\
         | `ledgers.csv` | a month of a company's duties, due on its last day | late is more than 30 days; of what is not paid `days_late` runs to the end; `planted_probability` as above, and `planted_six_months` the same of any of the six months that follow, when this month's payment is not known yet |\n\
         | `audits.csv` | an audit of a company's books | three quarters of what was kept back is found |\n\
         | `exchange.csv`, `tariff.csv` | a currency's week, a code's duty rate (A general, F preferential) | the currencies walk at random |\n\
         | `world.json` | | says that all is invented; `haetae register import` reads it, so that what is drawn from the tables says so too |\n\n\
         ## What is planted in declarations\n\n\
         What can be seen is drawn first; the log-odds of fraud are {base} and what follows added up; the label is drawn by \
         them. So the noise is that of the draw itself, and the area under the curve of `planted_probability` is the best \
         possible one.\n\n\
         | effect | log-odds | seen by |\n|---|---|---|\n\
         | undervaluation | {undervaluation} for each spread that the unit price lies below one spread under the usual, three at most (honest prices spread by {price_spread} in logarithms; the usual is that of item and origin) | `value_krw`, `mass_kg`, `item_en`, `origin` |\n\
         | misclassification: the code of similar goods with a lower rate | {hidden} | `hs` against `item_en` |\n\
         | origin routing: a preferential origin that departs from a hub | {routed} | `origin`, `departure` |\n\
         | phoenix in its first year | {phoenix} | `importer_age_days`, and the network of `companies.csv` and `roles.csv` |\n\
         | related seller, price more than half a spread below the usual | {related} | `related`, unit price |\n\
         | leaning of the importer | normal, spread {leaning} | its history alone |\n\
         | leaning of the broker | normal, spread {broker} | its history alone |\n\n\
         A model that has seen an importer seldom cannot know its leaning, so it stays below the best possible by about \
         what that is worth.\n\n\
         ## What is planted among companies\n\n\
         {phoenix_share}% close in debt; from each rises another within 20 to 120 days that keeps one of its people and its \
         phone or address (`planted_phoenix_of`). {ring_share}% own each other in circles of three to six \
         (`planted_ring`); in {veiled}% of the circles one holding stands in the name of an officer of the company that holds.\n\n\
         What innocent companies share lies around it. For every {centre} companies there is a business centre with 8 to \
         29 of them, four in ten behind its switchboard; for every {accountant} an accountant who is an officer of 8 to 24; \
         for every {family} two led by one family, which may share a phone, an account or an address; for every {circle} a \
         circle of three or four that hold at most {small_share}% of each other, or two that hold up to 30%. Near {decoy}% of \
         the companies that closed in debt another is founded, by chance, that sits in the same house, has the same \
         accountant, or both. Companies that declare nothing any more are wound up without debt but by chance, and some go \
         on under another name with their officer and their phone or address: these are no phoenixes. None of this changes \
         a declaration.\n\n\
         ## What is planted in ledgers\n\n\
         Log-odds of a month's being late: {ledger_base} and what follows added up. A late month makes the next ones \
         likelier, so `planted_six_months` is worked out by the months in which nothing happens: its area under the curve \
         is the best possible one of a score that looks six months ahead. It knows what no ledger tells (weakness, wave, \
         closings and audits to come), so a model stays somewhat below it.\n\n\
         | effect | log-odds | seen by |\n|---|---|---|\n\
         | weakness of the company | {weakness} for each spread (normal; 2.5 spreads more for those that close in debt and those that rise from them) | its history, and how it slips |\n\
         | good and bad times | a wave of {wave} up and down, of {wave_from} to {wave_to} months, of each company's own | the course of its history |\n\
         | a late month | {recent} in the next month, half as much with every further one | `days_late`, `paid_krw` |\n\
         | season | {season} in January and February | `month` |\n\
         | size | {size} less for each spread of its share of trade | `due_krw`, `declarations.csv` |\n\
         | a single kind of goods | {narrow} | `hs` of its declarations |\n\
         | an audit that claimed something | {claim} in the six months after it | `audits.csv` |\n\
         | closing in debt | {closing} in the last month, growing to it over a year | how it slips |\n\n\
         What is paid in time is paid {habit} days late on average, {habit_slope} more for each unit of log-odds above the \
         base, with a spread of {habit_spread} and within 29 days: so companies slip before they fail. Closing companies do \
         not pay what they are late with in their last six months; of the others one in five does not.\n",
        seed = world.seed,
        scale = world.scale,
        first = FIRST_DAY,
        last = date(DAYS - 1),
        declarations = made.declarations,
        frauds = made.frauds,
        fraud_share = share(made.frauds, made.declarations),
        companies = made.companies,
        people = made.people,
        sellers = made.sellers,
        brokers = made.brokers,
        phoenixes = made.phoenixes,
        rings = made.rings,
        months = made.months,
        late = made.late_months,
        late_share = share(made.late_months, made.months),
        base = trade::BASE,
        undervaluation = trade::UNDERVALUATION,
        price_spread = trade::PRICE_SPREAD,
        hidden = trade::HIDDEN,
        routed = trade::ROUTED,
        phoenix = trade::PHOENIX,
        related = trade::RELATED_LOW,
        leaning = parties::LEANING_SPREAD,
        broker = parties::BROKER_SPREAD,
        phoenix_share = parties::PHOENIX_SHARE * 100.0,
        centre = innocent::COMPANIES_A_CENTRE,
        accountant = innocent::COMPANIES_AN_ACCOUNTANT,
        family = innocent::COMPANIES_A_FAMILY,
        circle = innocent::COMPANIES_A_CIRCLE,
        small_share = innocent::SMALL_SHARE * 100.0,
        decoy = innocent::DECOY_SHARE * 100.0,
        veiled = parties::VEILED_SHARE * 100.0,
        ring_share = parties::RING_SHARE * 100.0,
        ledger_base = ledger::BASE,
        weakness = ledger::WEAKNESS,
        wave = ledger::WAVE,
        wave_from = ledger::WAVE_MONTHS.start,
        wave_to = ledger::WAVE_MONTHS.end,
        recent = ledger::RECENT,
        season = ledger::SEASON,
        size = ledger::SIZE,
        narrow = ledger::NARROW,
        claim = ledger::CLAIM,
        closing = ledger::CLOSING,
        habit = ledger::HABIT,
        habit_slope = ledger::HABIT_SLOPE,
        habit_spread = ledger::HABIT_SPREAD,
    );
    text.replace(".csv`", &format!(".{}`", format.ending()))
}
