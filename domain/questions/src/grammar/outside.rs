//! What people ask for and no tool has: said in a sentence of its own, with what can be asked instead, never guessed. And
//! questions in languages that the grammar does not read.

use super::concepts::Concept::{self, *};
use super::concepts::Concepts;

/// A subject that no tool has.
#[derive(Debug, PartialEq)]
pub struct Topic {
    /// The words that name it, with spaces between.
    pub words: &'static str,
    /// What is answered.
    pub says: &'static str,
    /// What can be asked instead.
    pub instead: &'static [&'static str],
}

/// Subjects by their words.
pub static TOPICS: &[Topic] = &[
    Topic {
        words: "country countries city cities town towns region regions abroad international domestic location locations located \
                living lives postcode zip germans england english scotland america europe european berlin munich hamburg vienna \
                zurich paris london madrid rome amsterdam",
        says: "Lists of customers can be narrowed down to the country of the shipping address; nothing is told country by country, \
               and towns, regions and whole continents are not known.",
        instead: &[
            "Which customers in Germany are most likely to leave?",
            "Who are our most valuable customers in Austria?",
        ],
    },
    Topic {
        words: "ticket tickets case cases request requests support complaint complaints complain complained complaining inbox \
                message messages chat chats helpdesk sla reply replies replied answered satisfaction csat nps rating ratings \
                unanswered backlog",
        says: "I look at customers and their orders, not at tickets; the pages Tickets, Promises and Satisfaction count those.",
        instead: &["Which customers are most likely to leave?", "Who orders less than usual?"],
    },
    Topic {
        words: "agent agents staff employee employees team teams colleague colleagues shift shifts workload",
        says: "I look at customers, not at who works here; the pages People and Live desk show that.",
        instead: &["Who are our most valuable customers?"],
    },
    Topic {
        words: "profit profits profitable profitability margin margins loss losses cost costs costly expense expenses tax taxes vat ebit \
                invoice invoices debt unpaid",
        says: "The tools know revenue, not what anything costs, so neither profit nor margin.",
        instead: &["What is our revenue by category?", "What revenue do you expect for the next quarter?"],
    },
    Topic {
        words: "euro euros dollar dollars pound pounds eur usd gbp chf currency currencies",
        says: "Amounts are told in the shop's main currency and converted into no other; what was paid in others is told of one \
               customer alone.",
        instead: &["What is our revenue by category?", "Who is customer C-0123ABCD?"],
    },
    Topic {
        words: "stock stocks inventory warehouse supplier suppliers delivery deliveries delivered shipping shipped shipment shipments \
                dispatch restock parcel parcels",
        says: "Stock and deliveries are not known to the tools.",
        instead: &["What is our revenue by category?", "Which products are bought together?"],
    },
    Topic {
        words: "website site visitor visitors visit visits visited traffic conversion conversions click clicks clicked session \
                sessions ads ad adwords google facebook instagram tiktok seo cart carts checkout",
        says: "Visits of the web shop and advertising are not known to the tools, only customers and what they ordered.",
        instead: &["How often do customers order?", "Who bought only once?"],
    },
    Topic {
        words: "age aged old older young younger gender men women male female birthday birthdays email emails mail mails phone \
                phones address addresses names telephone",
        says: "Customers have no names, addresses or personal traits here: they are anonymous, with ids such as C-0123ABCD.",
        instead: &["Who are our most valuable customers?", "How do our customers behave?"],
    },
    Topic {
        words: "return returned returns refund refunds refunded cancelled canceled cancellation cancellations",
        says: "Returns are subtracted from revenue and cannot be looked at, or left out, by themselves.",
        instead: &["What is our revenue by category?"],
    },
    Topic {
        words: "perform performed performance performs worked effective unsubscribed bounced opened bounce reactivated",
        says: RESULTS.says,
        instead: RESULTS.instead,
    },
    Topic {
        words: "worst least lowest fewest poorest cheapest",
        says: "Lists begin with the highest; I cannot turn one round.",
        instead: &["Who are our most valuable customers?", "Who orders less than usual?"],
    },
    Topic {
        words: "champion champions hibernating promising occasional",
        says: "I know no segment or archetype of this name, and classes of the RFM scores cannot be asked for by their names; I can \
               show them all, each with its size.",
        instead: &["What are the RFM scores of our customers?", "How large are our segments?"],
    },
    Topic {
        words: "delete remove cancel export download upload create update edit save schedule",
        says: ORDERS.says,
        instead: ORDERS.instead,
    },
];

/// Orders to do something.
pub static ORDERS: Topic = Topic {
    words: "",
    says: "I only look things up: nothing is changed, sent or exported from here.",
    instead: &["Whom should a winback campaign target?", "How large are our segments?"],
};

/// Things that are about known words and that no tool answers all the same: when all are met and no tool fits.
#[derive(Debug)]
pub struct Gap {
    needs: &'static [&'static [Concept]],
    /// What is answered.
    pub says: &'static str,
    /// What can be asked instead.
    pub instead: &'static [&'static str],
}

/// The customer of examples.
pub const SOMEBODY: &str = "C-0123ABCD";

/// Who bought the same as a customer, or is like one.
pub static OTHERS: Gap = Gap {
    needs: &[&[Alike]],
    says: "Who bought the same as a customer, or is like one, is not told here; the customer's own page lists who behaves alike. \
           I can say what a customer bought, what to offer them, and which products are bought together.",
    instead: &[
        "What did C-0123ABCD buy?",
        "What should we offer to C-0123ABCD?",
        "Which products are bought together?",
    ],
};

/// Where something is.
pub static WHERE: Gap = Gap {
    needs: &[],
    says: "Where somebody lives, or something happens, is not told; lists of customers can be narrowed down to a country.",
    instead: &[
        "Which customers in Germany are most likely to leave?",
        "Who are our most valuable customers in Austria?",
    ],
};

/// When something is.
pub static WHEN: Gap = Gap {
    needs: &[],
    says: "On which day or at what time something happens is not told of many customers; I can say in which quarter of the year \
           they buy, how often they order, and what one of them ordered when.",
    instead: &[
        "In which quarter of the year do customers buy most?",
        "How often do customers order?",
        "What did C-0123ABCD buy?",
    ],
};

/// How somebody is.
pub static HOW: Gap = Gap {
    needs: &[],
    says: "I can list such customers, but not tell how they are or how that came about; please ask who they are, how often they \
           order, or who of them may leave.",
    instead: &[
        "Who are our most valuable customers?",
        "How often do our VIPs order?",
        "Which VIPs are most likely to leave?",
    ],
};

/// What many customers bought.
pub static BOUGHT: Gap = Gap {
    needs: &[],
    says: "What such customers buy is not told of all of them together: what each bought last can stand beside a list, and what \
           one customer bought can be asked for.",
    instead: &[
        "What did our most valuable customers buy last?",
        "What is our revenue by category?",
        "What did C-0123ABCD buy?",
    ],
};

/// What a campaign brought about.
pub static RESULTS: Gap = Gap {
    needs: &[],
    says: "What a campaign brought about is not in these tools; they say whom one could speak to.",
    instead: &["Whom should a retention campaign target?", "Whom should a winback campaign target?"],
};

/// What customers at risk spend.
pub static SPEND_AT_RISK: Gap = Gap {
    needs: &[],
    says: "What customers who may leave spend, together or on average, is not told; they can be listed by it.",
    instead: &["Which customers might leave, sorted by spend?", "Which VIPs are most likely to leave?"],
};

/// How the business of a part goes.
pub static MOMENTUM_OF_PART: Gap = Gap {
    needs: &[],
    says: "Whether business goes up or down is told of the whole shop; of a part I can list whose spend rose or fell.",
    instead: &["Is business gaining or losing momentum?", "What is the momentum of our VIPs?"],
};

/// How many there are of a country.
pub static OF_COUNTRY: Gap = Gap {
    needs: &[],
    says: "I can narrow lists of customers down to a country, such as who may leave or who spent most; anything else is not told \
           of one country.",
    instead: &[
        "Which customers in Germany are most likely to leave?",
        "Who are our most valuable customers in Austria?",
    ],
};

static GAPS: &[Gap] = &[
    Gap { needs: &[&[Alike], &[Customer, Buy, Pronoun, They]], says: OTHERS.says, instead: OTHERS.instead },
    Gap {
        needs: &[&[When], &[Buy, Repurchase, Repeat, LastOrder]],
        says: "On which day somebody orders next is not predicted. I can say how likely a customer orders no more, what of their \
               purchases is due again, what they ordered and when, and how many days pass between orders.",
        instead: &[
            "Will C-0123ABCD leave?",
            "What should we offer to C-0123ABCD?",
            "What did C-0123ABCD buy?",
            "How often do customers order?",
        ],
    },
    Gap {
        needs: &[&[When], &[Revenue, Money, Grow, Trend, Shrink, Momentum]],
        says: "When something happens, or is best done, cannot be asked; forecasts tell the months to come, one by one, and seasons \
               the quarters of the year.",
        instead: &[
            "What revenue do you expect for the next quarter?",
            "How many customers will we have in the next 6 months?",
            "In which quarter of the year do customers buy most?",
        ],
    },
    Gap {
        needs: &[&[Why]],
        says: "I can say what happens, but not why; only for one customer are there reasons for the risk of leaving.",
        instead: &["Will C-0123ABCD leave?", "Which customers are most likely to leave?"],
    },
    Gap {
        needs: &[&[Gone]],
        says: "Nobody is counted or listed as gone, because customers do not say when they leave. I can say whom a winback \
               campaign could speak to, who is likely to leave, and who orders less than usual.",
        instead: &[
            "Whom should a winback campaign target?",
            "Which customers are most likely to leave?",
            "Who orders less than usual?",
        ],
    },
    Gap {
        needs: &[&[Company, Business], &[Leave, Vip, Loyal, New, Once, Decline, Winback, Retain]],
        says: "Do you mean customers who look like businesses, or how business goes?",
        instead: &[
            "Which businesses are most likely to leave?",
            "Which customers look like businesses?",
            "Is business gaining or losing momentum?",
        ],
    },
    Gap {
        needs: &[&[Leave], &[Vip, Best]],
        says: "Of the best customers I can say who may leave, and what they bought last, as a list: ask for that.",
        instead: &[
            "Which VIPs are most likely to leave?",
            "Which VIPs are most likely to leave, and what did they buy last?",
            "Which customers are most likely to leave?",
        ],
    },
    Gap {
        needs: &[&[Segment, Archetype], &[Shrink, Decline]],
        says: "Segments are listed by growth, those that grew most first; those that shrank cannot be asked for by themselves.",
        instead: &["Which segments grow?"],
    },
    Gap {
        needs: &[&[Segment, Archetype], &[Best, Most]],
        says: "Segments and archetypes are told with their sizes, axis by axis, and are not ranked; the list shows which is largest.",
        instead: &["How large are our segments?", "How do the archetypes compare?"],
    },
    Gap {
        needs: &[&[Category], &[Grow, Trend, Shrink, Decline]],
        says: "Categories are listed by revenue, each with its growth; they cannot be sorted or chosen by growth.",
        instead: &["What is our revenue by category?", "Is business gaining or losing momentum?"],
    },
    Gap {
        needs: &[&[Category], &[Repurchase, Repeat], &[Most, Best]],
        says: "Categories are listed by how many customers bought in them, each with the share that came back; they cannot be \
               sorted by that share.",
        instead: &["In which categories do customers buy again?"],
    },
    Gap {
        needs: &[&[Compare], &[Revenue, Money, Buy, Count, Customer]],
        says: "No tool sets two times or two groups of customers side by side; revenue is told with that of the equally long \
               time before, and archetypes are compared with each other.",
        instead: &[
            "What is our revenue by category in the last 3 months?",
            "Is business gaining or losing momentum?",
            "How do the archetypes compare?",
        ],
    },
    Gap {
        needs: &[&[Product], &[Revenue, Money, Best, Count, Size, Repurchase, Repeat]],
        says: "I can rank categories, but not single products.",
        instead: &[
            "What is our revenue by category?",
            "In which categories do customers buy again?",
            "Which products are bought together?",
        ],
    },
    Gap {
        needs: &[&[New]],
        says: "New customers are not counted by themselves; I can say who came once, how many customers to expect, and whom to \
               look for.",
        instead: &[
            "Who bought only once?",
            "How many customers will we have in the next 6 months?",
            "Whom should an acquisition campaign look for?",
        ],
    },
    Gap {
        needs: &[
            &[Revenue, Money, Spend],
            &[Vip, Loyal, Once, Winback, Gone, Segment, Archetype, Leave, Company],
        ],
        says: "I cannot narrow revenue down to a group of customers; I can name the group with what it spent so far, or revenue \
               by category.",
        instead: &["Who are our most valuable customers?", "What is our revenue by category?"],
    },
    Gap {
        needs: &[&[Revenue, Money], &[Customer]],
        says: "Revenue is told by category, not by customer; customers are listed by what they spent in all.",
        instead: &["What is our revenue by category?", "Who are our most valuable customers?"],
    },
    Gap {
        needs: &[&[Buy], &[Count]],
        says: "Orders are neither counted nor averaged here; I can tell revenue, how often customers order, and who bought only once.",
        instead: &[
            "What is our revenue by category in the last month?",
            "How often do customers order?",
            "Who bought only once?",
        ],
    },
    Gap {
        needs: &[&[Buy], &[Future], &[Will, Forecast, Customer, Product]],
        says: "What, or how much, somebody orders next is not predicted. I can say what to offer a customer, what a customer is \
               expected to spend, and what revenue to expect.",
        instead: &[
            "What should we offer to C-0123ABCD?",
            "What is the lifetime value of C-0123ABCD?",
            "What revenue do you expect for the next quarter?",
        ],
    },
    Gap {
        needs: &[&[Leave], &[Future, Will], &[Count, Customer]],
        says: "Who may leave is told within the model's own time ahead, not for a time that you name; the rate of churn is \
               forecast by months.",
        instead: &[
            "Which customers are most likely to leave?",
            "How will the churn rate develop in the next year?",
        ],
    },
    Gap {
        needs: &[&[Count], &[Customer]],
        says: "How many customers there are in all is not told by itself; the classes of the RFM scores hold everybody who has \
               ordered.",
        instead: &[
            "What are the RFM scores of our customers?",
            "How large are our segments?",
            "How many customers will we have in the next 6 months?",
        ],
    },
];

/// The gap that a question falls into.
pub fn gap(about: Concepts) -> Option<&'static Gap> {
    GAPS.iter().find(|gap| gap.needs.iter().all(|any| about.meets(Concepts::of(any))))
}

/// Words that give a language away and are none in English.
const LANGUAGES: [(&str, &str); 3] = [
    (
        "wer wie viel viele welche welcher welches kunden kunde umsatz wir haben habe hat unsere unser und nicht ist sind der das \
         dem den letzten letzte letztes monat woche jahr gehen werden wird machen macht von mit für nächsten nächstes nächste \
         meine zeige bitte hallo gibt besten beste danke guten wieviel",
        "Ohne Modell verstehe ich nur Englisch. Without a model I read English only; please ask in English.",
    ),
    (
        "qui quel quels quelle quelles combien nos notre vos meilleurs meilleures est sont les une du dans mois dernier \
         dernière année chiffre affaires avons avez nous vous pour avec quand comment pourquoi bonjour merci prochain prochaine \
         ont acheté vont partir montre",
        "Sans modèle je ne comprends que l'anglais. Without a model I read English only; please ask in English.",
    ),
    (
        "quien quién quienes quiénes cuanto cuánto cuantos cuántos cuales cuáles clientes nuestros nuestras mejores ventas mes año \
         pasado próximo cómo cuándo qué hola gracias los las del por para con",
        "Sin modelo solo entiendo inglés. Without a model I read English only; please ask in English.",
    ),
];

/// What is said to a question in a language that is not read; none when it could be English.
pub fn other_language<'a>(words: impl Iterator<Item = &'a str> + Clone) -> Option<&'static str> {
    // One such word could be a slip or a name.
    const ENOUGH: usize = 2;
    LANGUAGES.iter().find_map(|(given_away_by, says)| {
        let mut found: Vec<&str> = words
            .clone()
            .filter(|word| given_away_by.split_whitespace().any(|known| known == *word))
            .collect();
        found.sort_unstable();
        found.dedup();
        (found.len() >= ENOUGH).then_some(*says)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::{Understood, understand};

    #[test]
    fn what_can_be_asked_instead_can_be_asked() {
        let today = "2026-06-30".parse().expect("a day");
        let gaps = [&WHERE, &WHEN, &HOW, &BOUGHT, &RESULTS, &SPEND_AT_RISK, &MOMENTUM_OF_PART, &OF_COUNTRY];
        let instead = TOPICS.iter().flat_map(|topic| topic.instead);
        for question in instead.chain(GAPS.iter().chain(gaps).flat_map(|gap| gap.instead)) {
            let reading = understand(question, None, today);
            assert!(matches!(reading.understood, Understood::Call(_)), "{question}: {reading:?}");
        }
    }

    #[test]
    fn languages_are_told_apart_from_slips() {
        let of = |question: &str| other_language(question.split(' '));
        assert!(of("wer sind unsere besten kunden").is_some_and(|says| says.contains("Englisch")));
        assert!(of("quels sont nos meilleurs clients").is_some_and(|says| says.contains("anglais")));
        assert!(of("cuáles son nuestros mejores clientes").is_some_and(|says| says.contains("inglés")));
        for english in
            ["who are our best clients", "how many customers will die out", "what was the best month"]
        {
            assert_eq!(of(english), None, "{english}");
        }
    }
}
