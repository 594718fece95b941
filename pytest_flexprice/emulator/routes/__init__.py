"""The routes, one module per resource; importing a module registers its handlers. One line per module."""

from . import addons as addons
from . import api_keys as api_keys
from . import auth as auth
from . import connections as connections
from . import credit_grants as credit_grants
from . import customers as customers
from . import empty_lists as empty_lists
from . import entitlements as entitlements
from . import environments as environments
from . import events as events
from . import features as features
from . import health as health
from . import meters as meters
from . import plans as plans
from . import prices as prices
from . import settings as settings
from . import svix as svix
from . import users as users
from . import webhooks as webhooks
