Feature: Event ingestion
  Flexprice accepts nearly any event; what it cannot use is never billed and never an error.

  @item_3_1 @lint
  Scenario: Sample events have a name, a customer, a time and an id that Flexprice takes
    Given the sample events of the application
    Then every event has its name, customer, time and id in a form that Flexprice takes

  @item_3_1 @lint
  Scenario: Sample events can be sent again without being billed twice
    Given the sample events of the application
    Then no id stands for two events

  @item_3_1 @lint
  Scenario: Sample events are the ones that the plan lists
    Given the sample events of the application
    Then every event name is one that the plan lists

  @item_3_1 @lint
  Scenario: Sample events belong to declared customers
    Given the sample events of the application
    Then every event belongs to a customer that the plan declares

  @item_3_1 @lint
  Scenario: Sample events carry the quantities that are billed
    Given the sample events of the application
    Then every event has the properties that its meter reads

  @item_3_1 @read
  Scenario: Events of the last days were counted
    Given the events that reached this environment in the last seven days
    Then each of them was counted for a customer who exists

  @item_3_1 @read
  Scenario: The company's own log arrived, every event of it
    Given the company's own log
    When it is compared with what Flexprice holds, counted and will bill
    Then every event of the log arrived once, unchanged and for its customer

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
