Feature: Invoicing
  Invoices are made, sent or collected and given up as the company decided, and bill what was used.

  @item_5_1 @read
  Scenario: Grace period and auto-cancel are as they were decided
    Given what was decided about invoices
    And the invoicing settings of this environment
    Then the grace period and auto-cancel are as decided

  @item_5_1 @read
  Scenario: Invoices are finalized and due when the company expects it
    Given what was decided about invoices
    And the invoicing settings of this environment
    Then due days and finalization delay are as decided

  @item_5_1 @read
  Scenario: Nobody is cancelled today for an unpaid invoice
    Given what was decided about invoices
    And the invoicing settings of this environment
    And the active subscriptions with their unpaid invoices
    Then auto-cancel ends nobody's subscription today

  @item_5_1 @item_5_2 @read
  Scenario: Somebody signed off what was decided about invoices
    Given what was decided about invoices
    Then the decision carries a name and a day

  @item_5_2 @read
  Scenario: Every active subscription collects or sends its invoices as decided
    Given what was decided about invoices
    And the active subscriptions
    Then every subscription uses the decided collection method

  @item_5_2 @read
  Scenario: Invoices that are to be collected can be collected
    Given what was decided about invoices
    And the connected payment gateways
    Then a payment gateway is connected if invoices are collected automatically

  @item_5_3 @read
  Scenario: The next invoice bills what was used
    Given the active subscriptions, or a sample with each plan and each kind of deal in it
    When the next invoice of each is previewed
    Then each preview has a line for every price of its subscription
    And quantities, prices and totals of each preview follow from its usage

  @item_5_3 @read
  Scenario: The next invoices bill what the company logged
    Given the company's own log
    When it is compared with what Flexprice holds, counted and will bill
    Then the next invoice of each customer looked at bills what the log says

  @item_5_3 @smoke
  Scenario: The preview of a test invoice is exactly the calculated one
    Given a test customer who is subscribed to the test plan
    When the preview of the test invoice is compared with the independent calculation
    Then lines, quantities, amounts and total are exactly as calculated

  @item_5_3 @smoke
  Scenario: Every price is billed exactly, to its last tier
    Given a test customer who is subscribed to the test plan
    When usage that reaches every tier, bound, package and allowance is previewed step by step
    Then every part of every price is billed exactly as calculated
