Feature: Product catalog
  What the company sells is there as it was signed off, and every event the application sends is counted and billed.

  @item_2_1 @read
  Scenario: The catalog arrived as it was signed off
    Given the catalog that was signed off
    And the catalog of this environment
    Then features, meters, plans, prices, entitlements and credit grants are the same

  @item_2_1 @read
  Scenario: What a clone of an environment leaves behind was set up by hand
    Given the addons, coupons, tax rates and invoice settings that were signed off
    And the addons, coupons, tax rates and invoice settings of this environment
    Then they are the same

  @item_2_1 @read
  Scenario: Every price in force can bill
    Given the catalog of this environment
    Then every price bills what it says

  @item_2_2 @read
  Scenario: Every event name the application sends is billed in this environment
    Given the events that the plan says the application sends
    And the catalog of this environment
    Then every event name is counted by a published meter, byte for byte
    And every such meter is priced by at least one plan

  @item_2_2 @read
  Scenario: Meters read properties that the application sends
    Given the events that the plan says the application sends
    And the catalog of this environment
    Then no meter filters by or adds up a property that its event does not have
