Feature: Smoke test
  One test customer, followed from the first event to the processed webhook of its finalized invoice.

  @item_7_1 @smoke
  Scenario: A test customer is subscribed as every customer will be
    Given a test customer who is subscribed to the test plan
    Then the subscription bills every usage price of its plan

  @item_7_1 @smoke
  Scenario: Test events are accepted one by one and in bulk
    Given a test customer who is subscribed to the test plan
    When the test events were sent
    Then every one of them was accepted

  @item_7_2 @smoke
  Scenario: The metered usage is exactly what was sent, and stays so
    Given a test customer who is subscribed to the test plan
    When the usage is read in three independent ways, and once more after it settled
    Then each of them says exactly what was sent

  @item_7_2 @smoke
  Scenario: An event that is sent again changes nothing
    Given a test customer who is subscribed to the test plan
    When one event was sent again with its id and time
    Then the usage is still exactly what was sent

  @item_7_2 @smoke
  Scenario: A neighbour's usage is kept apart
    Given a test customer who is subscribed to the test plan
    When a second test customer on the same plan sends events of the same ids and times
    Then each event counts for the customer who sent it

  @item_7_3 @smoke
  Scenario: The draft invoice is exactly the calculated one
    Given a test customer who is subscribed to the test plan
    When the draft of the test invoice is made and computed
    Then its lines, quantities and amounts are exactly as calculated

  @item_7_3 @smoke
  Scenario: The finalized invoice is the draft, numbered and adding up
    Given a test customer who is subscribed to the test plan
    When the draft of the test invoice is finalized and read back
    Then it is finalized, has a number, adds up, and no line changed

  @item_7_4 @smoke
  Scenario: The webhook of the finalized invoice is delivered, acknowledged and processed
    Given a test customer who is subscribed to the test plan
    When the test invoice was finalized
    Then its webhook reached the company's handler and was processed as far as the plan requires
