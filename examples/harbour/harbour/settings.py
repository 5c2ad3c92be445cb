BOT_NAME = "harbour"
SPIDER_MODULES = ["harbour.spiders"]
NEWSPIDER_MODULE = "harbour.spiders"

ADDONS = {"sinanews.addon.ArchiveAddon": 300}
COMMANDS_MODULE = "sinanews.commands"
