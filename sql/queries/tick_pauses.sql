-- What the operator holds back → kind, subject
SELECT kind, subject FROM pause;
