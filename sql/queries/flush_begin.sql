-- One flush is one transaction.
BEGIN;
