Feature: Webhooks
  Flexprice tells the company by webhook that an invoice is final or paid, that a subscription began or ended. What is not
  registered, not trusted or not answered is never heard of again.

  @item_6_1 @read
  Scenario: The webhook endpoint is registered and switched on
    Given the webhook endpoints of the environment
    Then the endpoint that the plan names is registered and switched on
    And no endpoint belongs to another environment or to a staging system

  @item_6_3 @read
  Scenario: The webhook endpoint gets the event types of the checklist
    Given the webhook endpoints of the environment
    And the event types that an endpoint can be subscribed to
    Then the endpoint that the plan names gets these event types and those of the plan
      | event type               |
      | invoice.update.finalized |
      | invoice.update.payment   |
      | subscription.created     |
      | subscription.cancelled   |

  @item_6_2 @probe
  Scenario: The webhook handler's signing secret is that of the registered endpoint
    Given the webhook endpoints of the environment
    Then the signing secret that the plan names belongs to the registered endpoint

  @item_6_4 @probe
  Scenario: The webhook handler answers every event with success
    When the webhook handler gets every event type, an unknown one, a large one and one of them twice
    Then it answers each with success and in time

  @item_6_4 @probe
  Scenario: The webhook handler processes a repeated message once
    When the webhook handler gets the same message twice
    Then the company's side has not processed it twice

  # After the others: a handler may shut out whoever sends forged messages.
  @item_6_2 @probe
  Scenario: The webhook handler takes signed messages and refuses forged ones
    When the webhook handler gets signed, unsigned, altered, foreign and outdated messages
    Then it takes the signed ones and refuses all others

  @item_6_4 @read
  Scenario: The newest real webhooks arrived
    Given the webhook endpoints of the environment
    Then the newest deliveries to the endpoint that the plan names succeeded
