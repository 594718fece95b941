Feature: Customers and subscriptions
  Everybody who is billed exists under the id that the application sends, and is on the plan that was agreed.

  @item_4_1 @read
  Scenario: The customers that the plan declares can be compared
    Given the customers that the plan declares
    Then every declared customer has an external id that events can carry

  @item_4_1 @read
  Scenario: Customers exist under the external ids that the application sends
    Given the customers that the plan declares
    And the customers and subscriptions of this environment
    Then every declared customer exists, byte for byte, and nobody else does

  @item_4_2 @read
  Scenario: Every customer is subscribed to the plan that was agreed
    Given the customers that the plan declares
    And the customers and subscriptions of this environment
    And the catalog of this environment
    Then every subscription is the declared one and bills all prices of its plan
