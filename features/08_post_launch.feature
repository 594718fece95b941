Feature: Post-launch
  What people see to once billing is live: nobody but they can say it, and what they say runs out.

  @item_8_1 @lint
  Scenario: Somebody reads the Flexprice changelog
    Given what the plan states about item 8.1
    Then the statement is signed, recent and made for this environment

  @item_8_2 @lint
  Scenario: Somebody is subscribed to the status page
    Given what the plan states about item 8.2
    Then the statement is signed, recent and made for this environment

  @item_8_3 @lint
  Scenario: The team is in the support channel
    Given what the plan states about item 8.3
    Then the statement is signed, recent and made for this environment

  @item_8_4 @lint
  Scenario: The people on call know the references
    Given what the plan states about item 8.4
    Then the statement is signed, recent and made for this environment

  @item_1_1 @read
  Scenario: The key still belongs to the declared environment at the end
    Given the environment that Flexprice shows for the key
    Then it is the environment that the plan declares
