# The account that Lockstep reads with. Run in PowerShell as a domain administrator, on a domain controller or
# a computer with RSAT; asks for the new account's password.
New-ADUser -Name $Account -SamAccountName $Account -UserPrincipalName "$Account@$Domain" `
    -Description 'Lockstep, reads only' -PasswordNeverExpires $true -Enabled $true `
    -AccountPassword (Read-Host -AsSecureString 'Password')
$User = (Get-ADDomain -Identity $Domain).NetBIOSName + '\' + $Account
# the right to ask for changes (DirSync): Replicating Directory Changes, without passwords
# (on a Windows in another language, dsacls wants this name translated)
dsacls $Base /G "${User}:CA;Replicating Directory Changes"
# the right to see what was deleted
dsacls "CN=Deleted Objects,$Base" /takeownership
dsacls "CN=Deleted Objects,$Base" /G "${User}:LCRP"
# to take both back: dsacls DN /R $User
