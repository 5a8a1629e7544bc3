"""Names, places and telephone prefixes for company.py: data alone.

A name in another script is written "native|latin"; the latin form makes the
account name and the mail address. Latin names with diacritics need no second
form: company.py folds them.
"""

COUNTRIES = [
    {
        "c": "DE", "co": "Germany", "num": 276, "weight": 22, "tel": "+49",
        "cities": [("Berlin", "Berlin", "10117", "30"), ("Nürnberg", "Bayern", "90402", "911"),
                   ("Köln", "Nordrhein-Westfalen", "50667", "221")],
        "street": "{s}straße {n}", "streets": ["Goethe", "Schiller", "Königs", "Linden", "Müller"],
        "given": "Anna Jürgen Käthe Björn Lukas Sophie Götz Heike Matthias Ümit Franziska Günter Silke Jörg "
                 "Annegret Tobias Änne Karsten Margarethe Rüdiger",
        "family": "Müller Schäfer Weiß Krüger Groß Schröder Köhler Hübner Lämmle Böhm Vogel Fuchs Neumann "
                  "Strauß Jäger Öztürk Brandt Kühn Pfeiffer Sauer",
    },
    {
        "c": "FR", "co": "France", "num": 250, "weight": 12, "tel": "+33",
        "cities": [("Paris", "Île-de-France", "75011", "1"), ("Orléans", "Centre-Val de Loire", "45000", "2")],
        "street": "{n}, rue {s}", "streets": ["de l'Église", "Molière", "Émile Zola", "de la République"],
        "given": "Hélène François Chloé Jérôme Zoé Raphaël Maëlys Benoît Aurélie Noël Inès Gaëtan Clémence "
                 "Jean-Luc Marie-Thérèse Anaïs Loïc",
        "family": "Lefèvre Gauthier Béranger D'Aubigné Noël Chrétien Lemaître Dupré Brûlé Marchand Côté "
                  "Garçon Périgord L'Écuyer Faÿ Delacroix",
    },
    {
        "c": "PL", "co": "Poland", "num": 616, "weight": 9, "tel": "+48",
        "cities": [("Łódź", "łódzkie", "90-001", "42"), ("Kraków", "małopolskie", "30-001", "12")],
        "street": "ul. {s} {n}", "streets": ["Długa", "Świętojańska", "Kościuszki", "Piłsudskiego"],
        "given": "Łukasz Małgorzata Paweł Agnieszka Michał Żaneta Wojciech Bogusława Rafał Jadwiga Stanisław "
                 "Elżbieta Grażyna Sławomir",
        "family": "Wójcik Dąbrowski Woźniak Łukaszewicz Zając Król Wróbel Żuk Świątek Pająk Śliwa Gołąb "
                  "Krzyżanowski Błaszczyk",
    },
    {
        "c": "GB", "co": "United Kingdom", "num": 826, "weight": 11, "tel": "+44",
        "cities": [("London", "Greater London", "EC1A 1BB", "20"), ("Bristol", "Avon", "BS1 4DJ", "117")],
        "street": "{n} {s}", "streets": ["High Street", "Station Road", "Church Lane", "Victoria Road"],
        "given": "Oliver Siân Amelia Niamh Harry Isla Zoë Callum Priya Mohammed Grace Eleanor Oluwaseun "
                 "Charlotte Gethin Ruth",
        "family": "Smith O'Neill Jones Williams McDonald Taylor Brontë Patel Llewellyn Okonkwo Fitzgerald "
                  "Clarke Ashworth-Hughes Wood Khan",
    },
    {
        "c": "GR", "co": "Greece", "num": 300, "weight": 8, "tel": "+30",
        "cities": [("Αθήνα", "Αττική", "105 57", "210"), ("Θεσσαλονίκη", "Κεντρική Μακεδονία", "546 24", "2310")],
        "street": "{s} {n}", "streets": ["Ερμού", "Σταδίου", "Πανεπιστημίου", "Εγνατία"],
        "given": "Γιώργος|Giorgos Ελένη|Eleni Νίκος|Nikos Μαρία|Maria Κώστας|Kostas Σοφία|Sofia Άγγελος|Angelos "
                 "Κατερίνα|Katerina Σπύρος|Spyros Δήμητρα|Dimitra Οδυσσέας|Odysseas Ιφιγένεια|Ifigeneia",
        "family": "Παπαδόπουλος|Papadopoulos Νικολάου|Nikolaou Γεωργίου|Georgiou Αγγελόπουλος|Angelopoulos "
                  "Χατζής|Chatzis Οικονόμου|Oikonomou Μακρής|Makris Βλάχος|Vlachos Αντωνίου|Antoniou Ψαρράς|Psarras",
    },
    {
        "c": "UA", "co": "Ukraine", "num": 804, "weight": 8, "tel": "+380",
        "cities": [("Київ", "Київ", "01001", "44"), ("Львів", "Львівська область", "79000", "32")],
        "street": "вул. {s}, {n}", "streets": ["Хрещатик", "Шевченка", "Франка", "Городоцька"],
        "given": "Олена|Olena Андрій|Andrii Дарʼя|Daria Оксана|Oksana Тарас|Taras Юлія|Yuliia "
                 "Богдан|Bohdan Ірина|Iryna Сергій|Serhii Наталія|Nataliia Євген|Yevhen Ганна|Hanna",
        "family": "Шевченко|Shevchenko Ковальчук|Kovalchuk Бондаренко|Bondarenko Ткаченко|Tkachenko "
                  "Кравець|Kravets Гайдай|Haidai Мельник|Melnyk Лисенко|Lysenko Ґалаґан|Galagan Щербина|Shcherbyna Їжакевич|Yizhakevych",
    },
    {
        "c": "BG", "co": "Bulgaria", "num": 100, "weight": 5, "tel": "+359",
        "cities": [("София", "София-град", "1000", "2"), ("Пловдив", "Пловдив", "4000", "32")],
        "street": "ул. {s} {n}", "streets": ["Раковски", "Витоша", "Иван Вазов"],
        "given": "Иван|Ivan Мария|Mariya Георги|Georgi Елена|Elena Димитър|Dimitar Десислава|Desislava "
                 "Стоян|Stoyan Жана|Zhana Христо|Hristo Цветана|Tsvetana",
        "family": "Иванов|Ivanov Петров|Petrov Димитров|Dimitrov Стоянов|Stoyanov Ангелов|Angelov "
                  "Жеков|Zhekov Цанков|Tsankov Йорданов|Yordanov",
    },
    {
        "c": "JP", "co": "Japan", "num": 392, "weight": 9, "tel": "+81", "family_first": True,
        "cities": [("東京", "東京都", "100-0001", "3"), ("大阪", "大阪府", "530-0001", "6")],
        "street": "{s}{n}丁目", "streets": ["丸の内", "銀座", "梅田", "本町"],
        "given": "太郎|Taro 花子|Hanako 健太|Kenta 美咲|Misaki 翔|Sho さくら|Sakura 大輔|Daisuke 陽子|Yoko "
                 "隆|Takashi 恵|Megumi 直樹|Naoki ゆり|Yuri",
        "family": "佐藤|Sato 鈴木|Suzuki 高橋|Takahashi 田中|Tanaka 渡辺|Watanabe 伊藤|Ito 山本|Yamamoto "
                  "中村|Nakamura 小林|Kobayashi 斎藤|Saito 齋藤|Saitou 髙橋|Takahasi",
    },
    {
        "c": "AE", "co": "United Arab Emirates", "num": 784, "weight": 7, "tel": "+971",
        "cities": [("دبي", "دبي", "00000", "4"), ("أبوظبي", "أبوظبي", "00001", "2")],
        "street": "شارع {s} {n}", "streets": ["الشيخ زايد", "الكورنيش", "الوحدة"],
        "given": "محمد|Mohammed فاطمة|Fatima أحمد|Ahmed عائشة|Aisha خالد|Khalid مريم|Maryam يوسف|Yousef "
                 "نور|Noor عبدالله|Abdullah ليلى|Layla سعيد|Saeed هدى|Huda",
        "family": "الهاشمي|Alhashimi المنصوري|Almansoori الكعبي|Alkaabi النعيمي|Alnuaimi حداد|Haddad "
                  "الشامسي|Alshamsi مراد|Murad العلي|Alali بن_راشد|Binrashid",
    },
    {
        "c": "BR", "co": "Brazil", "num": 76, "weight": 6, "tel": "+55",
        "cities": [("São Paulo", "São Paulo", "01310-100", "11"), ("Brasília", "Distrito Federal", "70040-010", "61")],
        "street": "Rua {s}, {n}", "streets": ["São João", "Conceição", "das Flores", "Antônio Carlos"],
        "given": "João Conceição Antônio Letícia Luís Fabrício Tânia José Patrícia Sérgio Verônica Cauã",
        "family": "Gonçalves Araújo Guimarães Magalhães Simões Falcão Brandão Muniz Conceição Antunes Sá",
    },
    {
        "c": "VN", "co": "Vietnam", "num": 704, "weight": 3, "tel": "+84", "family_first": True,
        "cities": [("Hà Nội", "Hà Nội", "100000", "24")],
        "street": "{n} {s}", "streets": ["Trần Phú", "Lê Lợi", "Nguyễn Huệ"],
        "given": "Dũng Hương Phượng Tuấn Thảo Đức Quỳnh Ánh Nghĩa Việt",
        "family": "Nguyễn Trần Lê Phạm Hoàng Vũ Đặng Bùi Đỗ Ngô",
    },
]

# name, short form (site groups, addresses), weight, has an OU for each country, titles
DEPARTMENTS = [
    ("Engineering", "eng", 24, True, ["Engineer", "Senior Engineer", "Test Engineer", "Architect"]),
    ("Sales", "sales", 20, True, ["Account Manager", "Sales Engineer", "Sales Assistant", "Key Account Manager"]),
    ("Customer Support", "support", 16, True, ["Support Agent", "Support Specialist", "Field Technician"]),
    ("Operations", "ops", 12, False, ["Operator", "System Administrator", "Planner"]),
    ("Finance", "finance", 8, False, ["Accountant", "Controller", "Payroll Clerk"]),
    ("Marketing", "marketing", 8, False, ["Editor", "Designer", "Campaign Manager"]),
    ("Human Resources", "hr", 5, False, ["Recruiter", "Generalist", "Trainer"]),
    ("Legal, Risk & Compliance", "legal", 3, False, ["Counsel", "Paralegal", "Auditor"]),
    ("R+D", "rd", 4, False, ["Scientist", "Researcher", "Laboratory Assistant"]),
]

PROJECTS = ["Aurora", "Basalt", "Cedar", "Delta", "Ember", "Fjord", "Glacier", "Harbour", "Iris", "Juniper"]
