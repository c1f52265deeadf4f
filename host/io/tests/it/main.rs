//! Behaviour of the readers and writers, one module per topic.
