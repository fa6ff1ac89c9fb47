# The package's tests: `lit tests`.

from cmir.testing.lit_config import configure

configure(config, lit_config, "cmir-newname", __file__)
