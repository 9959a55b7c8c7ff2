"""The words that the demo is made of. In: nothing. Out: tables of names, trades and texts, invented by us."""

from __future__ import annotations

from dataclasses import dataclass

US = "Fernhill"
OUR_DOMAIN = "fernhill.example"
FREE_MAIL = "mail.example"
OTHER_FREE_MAIL = "postbox.example"


@dataclass(frozen=True, slots=True)
class Culture:
    """Names that go together, where such companies are, and a phone number that no one has (%02d: the rest)."""

    country: str
    first: tuple[str, ...]
    last: tuple[str, ...]
    forms: tuple[str, ...]  # a company's legal form
    phone: str = ""


def _culture(country: str, first: str, last: str, forms: str, phone: str = "") -> Culture:
    return Culture(country, tuple(first.split()), tuple(last.split()), tuple(forms.split(", ")), phone)


# Phone numbers: the ranges that regulators keep for drama (Ofcom, BNetzA, ARCEP, PTS, NANPA 555-01xx).
CULTURES = (
    _culture(
        "GB",
        "Alice Harriet Oliver George Imogen Rupert Freya Callum Nadia Isaac Beatrice Tom",
        "Ashworth Bexley Carmichael Dunmore Ellwood Fairley Garside Holloway Inskip Kershaw Lockwood Mayhew Thackeray",
        "Ltd, LLP, Ltd",
        "+44 1632 9600%02d",
    ),
    _culture(
        "US",
        "Grace Marcus Dana Tyler Naomi Wesley Carla Jerome Paige Curtis Renee Andre",
        "Abbott Brewster Coleman Delgado Easton Fletcher Granger Hutchins Jennings Kendall Langley Mercer Whitaker",
        "Inc, LLC, Corp",
        "+1 202 555 01%02d",
    ),
    _culture(
        "DE",
        "Anke Jürgen Katrin Matthias Silke Torben Heike Lukas Mareike Stefan Ulrike Björn",
        "Achenbach Brandt Dreyer Ehlers Feldmann Großmann Hübner Jansen Krüger Lindemann Möller Petersen Vogelsang",
        "GmbH, GmbH & Co. KG, AG",
        "+49 30 231250%02d",
    ),
    _culture(
        "FR",
        "Amélie Bastien Chloé Damien Élodie Fabrice Hélène Julien Manon Nicolas Sylvie Thibault",
        "Aubert Beaumont Chevallier Delacroix Fontaine Girard Lefèvre Marchand Perrin Rousseau Tessier Vasseur",
        "SAS, SARL, SA",
        "+33 1 99 00 12 %02d",
    ),
    _culture(
        "ES",
        "Alba Carmen Diego Elena Iñaki Javier Lucía Marta Pablo Raúl Sofía Tomás",
        "Aguirre Benítez Castaño Domínguez Escudero Figueroa Herrera Ibáñez Morales Navarro Quintana Salcedo",
        "SL, SA, SL",
    ),
    _culture(
        "IT",
        "Alessio Bianca Chiara Davide Federica Giorgio Ilaria Lorenzo Martina Paolo Serena Vittorio",
        "Albanese Bellini Colombo DeLuca Esposito Ferrante Galli Lombardi Marchetti Orsini Pellegrini Rinaldi",
        "Srl, SpA, Srl",
    ),
    _culture(
        "NL",
        "Anouk Bram Daan Eline Femke Gijs Jasper Lotte Maarten Roos Sanne Wouter",
        "Bakker Dekker Hoekstra Jonker Kuipers Mulder Postma Schouten Timmerman Verhoeven Willems Zijlstra",
        "BV, NV, BV",
    ),
    _culture(
        "PL",
        "Agnieszka Bartosz Dorota Grzegorz Hanna Jacek Kinga Łukasz Małgorzata Paweł Wojciech Zuzanna",
        "Adamczyk Borkowski Czajka Dudek Gołąb Jaworski Kozłowski Lis Maciejewski Piątek Sikora Wróbel",
        "sp. z o.o., SA, sp. z o.o.",
    ),
    _culture(
        "SE",
        "Agneta Björn Ebba Fredrik Gunilla Henrik Ingrid Johan Linnéa Måns Sigrid Viktor",
        "Åkesson Bergström Dahlgren Ekström Forsberg Hedlund Isaksson Lindqvist Nordin Sjöberg Wallin Öberg",
        "AB, AB, HB",
        "+46 31 39006%02d",
    ),
    _culture(
        "PT",
        "Afonso Beatriz Catarina Duarte Filipa Gonçalo Inês João Leonor Miguel Rita Tiago",
        "Almeida Barros Cardoso Esteves Figueiredo Guerreiro Lourenço Magalhães Nogueira Pacheco Queirós Teixeira",
        "Lda, SA, Lda",
    ),
    _culture(
        "IN",
        "Aarav Deepa Farhan Ishita Kavya Manish Neha Priya Rohan Sanjay Tanvi Vikram",
        "Banerjee Chatterjee Deshpande Gupta Iyer Kulkarni Menon Nair Patel Rao Sharma Venkatesan",
        "Pvt Ltd, Pvt Ltd, LLP",
    ),
    _culture(
        "JP",
        "Aiko Daisuke Emi Haruto Kaori Kenji Mariko Naoki Ren Sakura Takashi Yumi",
        "Aoki Fujiwara Hayashi Inoue Kobayashi Matsuda Nakamura Ogawa Saito Tanaka Ueda Yamamoto",
        "KK, GK, KK",
    ),
    _culture(
        "NG",
        "Adaeze Babatunde Chinedu Damilola Emeka Folake Ifeoma Kehinde Ngozi Obinna Tunde Yetunde",
        "Abiola Balogun Chukwu Eze Ibrahim Nwosu Obi Okafor Okonkwo Olawale Uzor Yusuf",
        "Ltd, Plc, Ltd",
    ),
    _culture(
        "BR",
        "André Bruna Caio Daniela Eduardo Fernanda Gustavo Juliana Larissa Rafael Thaís Vinícius",
        "Araújo Batista Cavalcanti Duarte Fagundes Gouveia Machado Medeiros Pinheiro Rezende Siqueira Vasconcelos",
        "Ltda, SA, Ltda",
    ),
)

PLACES = tuple(
    """
    Alderbrook Amberline Bellhaven Blackthorn Bluewater Brightwell Cedarpoint Clearfield Copperhill Driftwood Eastmere
    Elmstead Falconridge Foxglove Glasswing Goldcrest Greyfriars Harborview Hazelmoor Highgrove Ironbridge Juniper
    Kestrel Kingsley Larkspur Lanternworks Longacre Maplewood Meridian Moorland Nightingale Northwind Oakhaven Orchid
    Palisade Pinecrest Quarrystone Ravenscroft Redwing Riverstone Saltmarsh Silverbirch Skylark Stonebridge Summit
    Swiftwater Thornbury Tidewater Underhill Valewood Vantage Westmere Whitecliff Wildrose Windermill Yarrow
    """.split()  # noqa: SIM905  (a list of fifty literals is fifty lines)
)
# Trade, and the word of the custom field Industry for it.
TRADES = (
    ("Logistics", "Transport"),
    ("Analytics", "Software"),
    ("Software", "Software"),
    ("Engineering", "Manufacturing"),
    ("Foods", "Retail"),
    ("Textiles", "Manufacturing"),
    ("Energy", "Energy"),
    ("Health", "Health"),
    ("Architects", "Construction"),
    ("Instruments", "Manufacturing"),
    ("Travel", "Services"),
    ("Legal", "Services"),
    ("Robotics", "Manufacturing"),
    ("Media", "Services"),
    ("Packaging", "Manufacturing"),
    ("Solar", "Energy"),
    ("Pharma", "Health"),
    ("Outfitters", "Retail"),
    ("Timber", "Construction"),
    ("Learning", "Services"),
)
INDUSTRIES = tuple(sorted({industry for _, industry in TRADES}))

TITLES = tuple(
    title.strip()
    for title in """
    Head of Marketing, Marketing Manager, Sales Director, Account Executive, Operations Manager, Head of Procurement,
    Buyer, Managing Director, Chief Financial Officer, Controller, Head of IT, Systems Administrator, Office Manager,
    Product Manager, Customer Success Lead, HR Business Partner, Logistics Coordinator, Founder, Head of Growth,
    Project Lead, Quality Manager, Head of Sales, Data Analyst, Event Manager
    """.split(",")  # noqa: SIM905  (as above)
)

NOTES = (
    "Called. Likes the product, budget is decided next quarter.",
    "Met at the trade fair, asked for the price list.",
    "Prefers to be written to in the morning.",
    "Wants a demo for the whole team. Send two dates.",
    "Moved to another department; still our contact for renewals.",
    "Signed the renewal for another year.",
    "Asked for references in the same industry. Sent two.",
    "Uses a competitor until the end of the year. Follow up then.",
    "No answer on the phone, left a message.",
    "Introduced us to their head of procurement.",
    "Compared the two plans with me; leans to the larger one.",
    "Data protection questionnaire answered and sent back.",
    "Is on parental leave until spring. Their deputy is in copy.",
    "Very happy with support. Would give a quote for the website.",
)

SUBJECTS = {
    "product-tour": ("A short tour of what is new", "Did you see the new reports?"),
    "webinar-series": ("You are invited: lists that stay clean", "Thank you for coming: the recording"),
    "trade-fair-leads": ("Good to meet you at the fair", "The price list you asked for"),
    "newsletter": ("This month at Fernhill", "What we learned this month"),
    "renewals": ("Your plan renews soon", "Two questions before your renewal"),
    "win-back": ("We miss you",),
}
