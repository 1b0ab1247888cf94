"""What a row and a message are: the one declaration that every stage, Spark and readers share."""
