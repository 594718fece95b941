Feature: Event ingestion
  Flexprice accepts nearly any event; what it cannot use is never billed and never an error.

  @item_3_2 @smoke
  Scenario: Test events appear in the Event Debugger with their exact quantity
    Given a test customer who is subscribed to the test plan
    When the test events were sent
    Then each of them is processed with its exact quantity, for this customer and no other

  @item_3_3 @smoke
  Scenario: A mistyped event name is accepted and never billed
    Given a test customer who is subscribed to the test plan
    When a control event with a mistyped name was sent
    Then it is accepted, found by no meter, and the reason can be seen
