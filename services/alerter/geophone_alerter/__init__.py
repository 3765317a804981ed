"""Alerter: alerts in, what people read out."""
