"""What every queue face stands on: lines to RabbitMQ, messages as they came, and the loop that answers them."""
