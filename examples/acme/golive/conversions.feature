Feature: Conversions
  What only Acme can know about its own events.

  @item_3_1 @lint
  Scenario: Every converted document has pages
    Given the samples of converted documents
    Then every document has at least one page
