-- A batch is one transaction.
BEGIN;
