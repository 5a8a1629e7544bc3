# Kerberos instead of a password: the account's key as a file, with a new password that nobody knows. Move the
# file to Lockstep's computer, readable by Lockstep's user alone, and delete it here.
Set-ADUser -Identity $Account -KerberosEncryptionType AES256
ktpass /out $Keytab /princ "$Account@$($Domain.ToUpper())" /mapuser $User /mapop set +rndPass `
    /crypto AES256-SHA1 /ptype KRB5_NT_PRINCIPAL
# to be done again whenever the account's password is changed
