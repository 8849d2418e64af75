"""The words that pet names are made of."""

ADVERBS = (
    *("boldly", "briskly", "calmly", "clearly", "duly", "early", "fairly", "firmly", "freely", "gently", "gladly"),
    *("gratefully", "happily", "humbly", "keenly", "kindly", "lightly", "lively", "mildly", "neatly", "openly"),
    *("patiently", "plainly", "quickly", "quietly", "rarely", "richly", "safely", "simply", "smoothly", "softly"),
    *("steadily", "surely", "swiftly", "truly", "warmly", "widely", "wisely"),
)

ADJECTIVES = (
    *("amber", "ample", "awake", "brave", "bright", "calm", "caring", "clear", "clever", "cosmic", "curious"),
    *("daring", "eager", "fair", "fleet", "fond", "free", "gentle", "glad", "golden", "grand", "happy", "honest"),
    *("humble", "jolly", "keen", "kind", "lively", "loyal", "lucid", "lucky", "mellow", "merry", "modest", "noble"),
    *("patient", "proud", "quick", "quiet", "radiant", "rare", "ready", "rosy", "sage", "serene", "silver", "smart"),
    *("steady", "sunny", "sweet", "swift", "tender", "true", "upbeat", "vivid", "warm", "wise", "witty", "young"),
)

ANIMALS = (
    *("alpaca", "ant", "badger", "bat", "bear", "beaver", "bee", "bison", "boar", "camel", "cat", "cod", "crab"),
    *("crane", "crow", "deer", "dingo", "dog", "dolphin", "dove", "duck", "eagle", "egret", "elk", "falcon", "fawn"),
    *("ferret", "finch", "fox", "frog", "gecko", "goat", "goose", "gull", "hare", "hawk", "heron", "horse", "ibex"),
    *("jackal", "jay", "kiwi", "koala", "lark", "lemur", "lion", "llama", "lynx", "macaw", "marten", "mole", "moose"),
    *("mouse", "newt", "ocelot", "otter", "owl", "panda", "pony", "puffin", "quail", "rabbit", "raven", "robin"),
    *("salmon", "seal", "shrew", "sloth", "sparrow", "stork", "swan", "tiger", "toad", "trout", "turtle", "vole"),
    *("walrus", "whale", "wolf", "wombat", "wren", "yak", "zebra"),
)
