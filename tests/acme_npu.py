# SPDX-License-Identifier: Apache-2.0
"""The example of a vendor's plugin, built and installed as its vendor would, with cards that are other devices."""
import json
import os

from plugin_kit import Kit

# Which number has a driver that never refuses, but nobody may use by default.
KMSG, NULL = (1, 11), (1, 3)


class AcmeNpu:
    def __init__(self, box, **settings):
        self.box, self.kit = box, Kit(box)
        self.kit.install(self.kit.did("pkg-config", "--variable=datadir", "hozo-plugin").strip()
                         + "/hozo/examples/acme-npu")
        self.libraries, self.pool = f"{box.dir}/libraries", f"{box.dir}/pool"
        os.mkdir(self.libraries)
        with open(f"{self.libraries}/libacme-npu.so", "w") as f:
            f.write("a library\n")
        cards = [{"node": f"/dev/acme-npu{n}", "major": major, "minor": minor, "cores": 4}
                 for n, (major, minor) in enumerate((KMSG, NULL))]
        self.settings(**{"cards": cards, "libraries": self.libraries, "pool": self.pool, **settings})

    def settings(self, **members):
        with open(f"{self.kit.variable('settingsdir')}/com.acme.npu.json", "w") as f:
            json.dump(members, f)

    def bundle(self, program="true", **asked):
        b = self.box.bundle(program)
        b.config["annotations"] = {f"com.acme.npu.{key}": value for key, value in asked.items()}
        return b

    def taken(self, card=0):
        """Which cores somebody has."""
        directory = f"{self.pool}/card{card}"
        return sorted(os.listdir(directory)) if os.path.isdir(directory) else []
