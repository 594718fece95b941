Feature: Environment and API access
  Before anything else: the right environment, the right key, the right address, and no old key left behind.

  @item_1_1 @read
  Scenario: The key belongs to the declared environment
    Given the environment that Flexprice shows for the key
    Then it is the environment that the plan declares

  @item_1_2 @read
  Scenario: The key reads everything that billing depends on
    When the key reads environments, customers, plans, features, subscriptions, invoices, settings and keys
    Then none of them is refused

  @item_1_2 @read
  Scenario: The key writes customers and events
    When write permission is tried without writing anything
    Then the key may write customers and events

  @item_1_2 @read
  Scenario: The key does not run out
    Given the keys that Flexprice lists for this environment
    Then the key in use has not expired

  @item_1_3 @lint
  Scenario: The application is configured for the contracted address
    Given how the plan says the application calls Flexprice
    Then it sends the key as Flexprice expects, encrypted, to the declared address

  @item_1_3 @read
  Scenario: Flexprice takes the key in its header and in no other way
    When a request carries the key in its header, none at all, and as a bearer token
    Then only the first is answered

  @item_1_3 @read
  Scenario: The clocks agree
    When Flexprice is asked for its time
    Then this machine's clock agrees with it

  @item_1_4 @read
  Scenario: Old keys are dead
    Given the old keys that the plan names
    Then none of them authenticates any more
    And none of them is listed in this environment
    And no deployed configuration holds one of them, or the id of another environment
